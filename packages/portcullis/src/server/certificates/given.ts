// What clients have to trust when certificates are given in files: `ca.crt` beside the certificate, where cert-manager puts it, or the
// last certificate of the chain. It is read again when the files change. The authority before stays in the bundle, because
// clients may still meet a replica that serves a certificate of it.

import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { watchFolders } from "./reload.ts";

export interface GivenAuthority {
  /** PEM. */
  bundle(): string;
  /** Calls back with every later bundle. */
  follow(onBundle: (bundle: string) => void, onError: (error: Error) => void): { close(): void };
}

/** Rejects when the file cannot be read. */
export async function givenAuthority(cert: string): Promise<GivenAuthority> {
  let current = await readAuthority(cert);
  let bundle = current;
  return {
    bundle: () => bundle,
    follow: (onBundle, onError) =>
      watchFolders([dirname(cert)], async () => {
        try {
          const next = await readAuthority(cert);
          if (next === current || next === "") return;
          bundle = `${next}${current}`;
          current = next;
          onBundle(bundle);
        } catch (error) {
          onError(error as Error);
        }
      }),
  };
}

async function readAuthority(cert: string): Promise<string> {
  const beside = await readFile(join(dirname(cert), "ca.crt"), "utf8").catch(() => "");
  const authorities = certificatesIn(beside);
  if (authorities.length > 0) return authorities.join("");
  return certificatesIn(await readFile(cert, "utf8")).at(-1) ?? "";
}

function certificatesIn(text: string): readonly string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return found.map((pem) => new X509Certificate(pem).toString());
}
