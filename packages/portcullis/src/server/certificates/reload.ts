// Where the server's certificate comes from, and that it stays fresh: files that are read again when they change
// (cert-manager and kubelet replace a mounted secret by swapping a symlink, so the folder is watched), or our own authority,
// which renews its leaf. A pair that cannot be read or does not fit together is reported and the old one stays.

import { X509Certificate, createPrivateKey } from "node:crypto";
import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { KeyPair } from "../https.ts";
import { createAuthority, isDueForRenewal } from "./authority.ts";

export interface CertificateSource {
  readonly pair: KeyPair;
  /** The authority's certificate (PEM) when it is ours. */
  readonly ca: string | null;
  /** Calls back with every later pair, and with the reason when a later one could not be taken. */
  follow(onPair: (pair: KeyPair) => void, onError: (error: Error) => void): Following;
}

interface Following {
  close(): void;
}

/** Certificate and key from two PEM files. Rejects with a message that names the file when they cannot be used. */
export async function filePair(files: { readonly cert: string; readonly key: string }): Promise<CertificateSource> {
  let current = await readPair(files);
  const pair = current;
  return {
    pair,
    ca: null,
    follow: (onPair, onError) =>
      watchFolders([dirname(files.cert), dirname(files.key)], async () => {
        try {
          const next = await readPair(files);
          if (next.cert === current.cert && next.key === current.key) return;
          onPair(next);
          current = next;
        } catch (error) {
          onError(error as Error);
        }
      }),
  };
}

async function readPair(files: { readonly cert: string; readonly key: string }): Promise<KeyPair> {
  const cert = await readText(files.cert);
  const key = await readText(files.key);
  const certificate = parsed(files.cert, "a certificate", () => new X509Certificate(cert));
  const privateKey = parsed(files.key, "a private key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error(`${files.key}: this key does not belong to the certificate in ${files.cert}`);
  }
  return { cert, key };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Error(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? "error"})`, { cause: error });
  }
}

/** Node's own message may quote what it read, which for a key must not reach a log. */
function parsed<T>(file: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new Error(`${file}: expected ${what} in PEM`);
  }
}

const settleMs = 100;

/** Calls back soon after something in them changed. */
export function watchFolders(folders: readonly string[], onChange: () => Promise<void>): Following {
  let timer: NodeJS.Timeout | undefined;
  const watchers: FSWatcher[] = [...new Set(folders)].map((folder) =>
    watch(folder, () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        void onChange();
      }, settleMs);
    }),
  );
  return {
    close: () => {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

const renewalCheckMs = 12 * 3_600_000;

/** A leaf for these names from an authority of our own. */
export async function selfSigned(names: readonly string[]): Promise<CertificateSource> {
  const authority = await createAuthority();
  const pair = await authority.issue(names);
  return {
    pair,
    ca: authority.ca,
    follow: (onPair, onError) => {
      let current = pair;
      const renew = async (): Promise<void> => {
        try {
          if (!isDueForRenewal(current.cert, Date.now())) return;
          current = await authority.issue(names);
          onPair(current);
        } catch (error) {
          onError(error as Error);
        }
      };
      const timer = setInterval(() => {
        void renew();
      }, renewalCheckMs);
      timer.unref();
      return {
        close: () => {
          clearInterval(timer);
        },
      };
    },
  };
}
