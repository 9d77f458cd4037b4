// Exports to files: one per audit run in a folder per channel, named after the run's time; `.txt` while it is written,
// `.log` once it is whole, so that readers see only whole ones. The oldest beyond the limit are removed. A connection that is
// changed to another path or removed takes its old files with it; what cannot be removed at once is tried again until its
// time is over. Gatekeeper: pkg/export/disk.

import { chmod, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { valueAt } from "@portcullis/kube";
import { parseDuration } from "@portcullis/lang/go";
import type { ExportMessage } from "./messages.ts";

export interface DiskConfig {
  readonly path: string;
  /** Files that are kept. */
  readonly maxAuditResults: number;
  /** Milliseconds for which a removal that failed is tried again. */
  readonly closedConnectionTtlMs: number;
}

const mostRuns = 5;
const ttlMaxMs = 10 * 60_000;
const ttlMinMs = 60_000;

/** The configuration in `spec.config`, or Gatekeeper's text of what is wrong with it. */
export function readDiskConfig(config: unknown): DiskConfig | string {
  if (typeof config !== "object" || config === null) return "invalid config format, expected map[string]interface{}";
  const path = valueAt(config, "path");
  if (typeof path !== "string") return "missing or invalid 'path'";
  if (path === "") return "invalid path: path cannot be empty";
  if (path.includes("..")) return "invalid path: path must not contain '..', dir traversal is not allowed";
  const most = valueAt(config, "maxAuditResults");
  if (typeof most !== "number") return "missing or invalid 'maxAuditResults'";
  if (most < 0) return "maxAuditResults cannot be negative";
  if (most > mostRuns) return `maxAuditResults cannot be greater than the maximum allowed audit runs: ${mostRuns}`;
  const ttl = readTtl(valueAt(config, "closedConnectionTTL"));
  return typeof ttl === "string" ? ttl : { path, maxAuditResults: Math.trunc(most), closedConnectionTtlMs: ttl };
}

function readTtl(value: unknown): number | string {
  if (typeof value !== "string") return ttlMaxMs;
  const parsed = parseDuration(value);
  if (typeof parsed !== "bigint") return `invalid ttl format: ${parsed.error}`;
  const ms = Number(parsed / 1_000_000n);
  if (ms > ttlMaxMs) return `closedConnectionTTL ${value} exceeds maximum allowed: 10m0s`;
  if (ms < ttlMinMs) return `closedConnectionTTL ${value} is too short, must be at least 1 minute`;
  return ms;
}

/** Writes the messages of one run. Rejects with Gatekeeper's words for the step that failed. */
export async function writeRun(
  { path, maxAuditResults }: DiskConfig,
  channel: string,
  run: { readonly id: string; readonly messages: Iterable<ExportMessage> },
): Promise<void> {
  const folder = join(path, channel);
  // Colons are no part of a file's name on Windows.
  const name = run.id.replaceAll(":", "_");
  const unfinished = join(folder, `${name}.txt`);
  await step("failed to create directories", mkdir(folder, { recursive: true, mode: 0o777 }));
  await step("failed to set directory permissions", chmod(folder, 0o777));
  await step("error writing message to disk", writeLines(unfinished, run.messages));
  await step("failed to rename file", rename(unfinished, join(folder, `${name}.log`)));
  await step("failed to set file permissions", chmod(join(folder, `${name}.log`), 0o777));
  await removeOldest(folder, maxAuditResults);
}

async function step(text: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new Error(`${text}: ${(error as Error).message}`, { cause: error });
  }
}

const linesAtOnce = 500;

async function writeLines(file: string, messages: Iterable<ExportMessage>): Promise<void> {
  const handle = await open(file, "a", 0o666);
  try {
    let lines: string[] = [];
    for (const message of messages) {
      lines.push(`${JSON.stringify(message)}\n`);
      if (lines.length < linesAtOnce) continue;
      // oxlint-disable-next-line no-await-in-loop -- in order
      await handle.write(lines.join(""));
      lines = [];
    }
    await handle.write(lines.join(""));
  } finally {
    await handle.close();
  }
}

async function removeOldest(folder: string, keep: number): Promise<void> {
  const names = await readdir(folder);
  const files = await Promise.all(
    names.map(async (name) => ({ file: join(folder, name), ms: (await stat(join(folder, name))).mtimeMs })),
  );
  const oldest = files.toSorted((a, b) => a.ms - b.ms).slice(0, Math.max(0, files.length - keep));
  await Promise.all(oldest.map(({ file }) => rm(file, { force: true })));
}
