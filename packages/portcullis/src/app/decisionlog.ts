// The decision log: a line of JSON for each answered admission request, in a file, or on one of the standard outputs. Refusals and
// errors are always told; of what is allowed, with a warning or without, as large a part as an operator wishes, and the same part by
// every webhook and replica, because the request's uid decides. Nobody waits for the log: lines wait in a bounded buffer while
// they are written, and are dropped, and counted, when it is full. A file that has become large is renamed, and the oldest of its
// kind goes.

import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { setTimeout as setTimeoutAsync } from "node:timers/promises";
import type { DecisionLine, Verdict } from "../server/decided.ts";

export interface DecisionLogOptions {
  /** `stdout`, `stderr`, or a file. */
  readonly to: string;
  /** The part of these verdicts that is told, 0 to 1; all of it when absent. */
  readonly sampled?: Readonly<Partial<Record<"allow" | "warn", number>>>;
  /** A file that is larger is renamed; 100 MiB when absent. */
  readonly fileBytesMax?: number;
  /** Renamed files that are kept, `FILE.1` the newest; 5 when absent. */
  readonly filesMax?: number;
  /** Lines that wait; 8 MiB when absent. */
  readonly bufferBytesMax?: number;
  readonly onWritten: (verdict: Verdict) => void;
  readonly onDropped: () => void;
  readonly onError: (error: Error) => void;
}

export interface DecisionLog {
  /** Whether a request is told. */
  tells(uid: string, verdict: Verdict): boolean;
  write(line: DecisionLine): void;
  /** Resolves when what waits is written, or after some seconds. */
  close(): Promise<void>;
}

const mib = 1024 * 1024;
/** What is dropped at the end when the disk does not take it. */
const closeMs = 3000;
/** Before the next attempt after one that failed. */
const retryMs = 1000;

export function createDecisionLog(options: DecisionLogOptions): DecisionLog {
  const { sampled = {}, bufferBytesMax = 8 * mib, onWritten, onDropped, onError } = options;
  const target = targetOf(options);
  let waiting: { readonly text: string; readonly verdict: Verdict }[] = [];
  let waitingBytes = 0;
  let writing: Promise<void> | null = null;
  let isClosed = false;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const lines = waiting;
      const text = lines.map((line) => line.text).join("");
      waiting = [];
      try {
        // oxlint-disable-next-line no-await-in-loop -- what came meanwhile is written next
        await target.append(text);
        for (const { verdict } of lines) onWritten(verdict);
      } catch (error) {
        onError(error as Error);
        lines.forEach(() => onDropped());
        // oxlint-disable-next-line no-await-in-loop
        if (!isClosed) await setTimeoutAsync(retryMs, undefined, { ref: false });
      }
      waitingBytes -= text.length;
    }
    writing = null;
  }

  return {
    tells: (uid, verdict) => {
      const part = verdict === "allow" || verdict === "warn" ? (sampled[verdict] ?? 1) : 1;
      return part >= 1 || (part > 0 && draw(uid) < part);
    },
    write: (line) => {
      const text = `${JSON.stringify(line)}\n`;
      if (isClosed || waitingBytes + text.length > bufferBytesMax) {
        onDropped();
        return;
      }
      waiting.push({ text, verdict: line.verdict });
      waitingBytes += text.length;
      writing ??= setTimeoutAsync(0).then(drain);
    },
    close: async () => {
      isClosed = true;
      await Promise.race([writing, setTimeoutAsync(closeMs, undefined, { ref: false })]);
      await target.close().catch(onError);
    },
  };
}

/** A number from 0 to 1 that is the same wherever the request is asked about. */
function draw(uid: string): number {
  return createHash("sha256").update(uid).digest().readUInt32BE(0) / 2 ** 32;
}

interface Target {
  append(text: string): Promise<void>;
  close(): Promise<void>;
}

function targetOf(options: DecisionLogOptions): Target {
  if (options.to === "stdout" || options.to === "stderr") return streamTarget(process[options.to]);
  return fileTarget(options);
}

function streamTarget(stream: NodeJS.WritableStream): Target {
  return {
    append: (text) =>
      new Promise((resolve, reject) => {
        stream.write(text, (error) => (error === null || error === undefined ? resolve() : reject(error)));
      }),
    close: () => Promise.resolve(),
  };
}

function fileTarget({ to, fileBytesMax = 100 * mib, filesMax = 5 }: DecisionLogOptions): Target {
  let file: { readonly handle: FileHandle; bytes: number } | null = null;
  const opened = async (): Promise<{ readonly handle: FileHandle; bytes: number }> => {
    const handle = await open(to, "a", 0o600);
    return { handle, bytes: (await handle.stat()).size };
  };
  return {
    append: async (text) => {
      file ??= await opened();
      const bytes = Buffer.byteLength(text);
      if (file.bytes > 0 && file.bytes + bytes > fileBytesMax) {
        await file.handle.close();
        file = null;
        await rotate(to, filesMax);
        file = await opened();
      }
      await file.handle.appendFile(text);
      file.bytes += bytes;
    },
    close: async () => {
      await file?.handle.close();
      file = null;
    },
  };
}

async function rotate(file: string, filesMax: number): Promise<void> {
  if (filesMax === 0) {
    await rm(file, { force: true });
    return;
  }
  await rm(`${file}.${filesMax}`, { force: true });
  for (let number = filesMax - 1; number >= 0; number--) {
    const from = number === 0 ? file : `${file}.${number}`;
    // oxlint-disable-next-line no-await-in-loop -- from the oldest to the newest
    await rename(from, `${file}.${number + 1}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
  }
}
