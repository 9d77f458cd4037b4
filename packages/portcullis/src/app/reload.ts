// Keeps what is served in step with the files: scans, sends what changed, and scans again when something was written
// meanwhile. A file that broke keeps its last good text beside the new one (compose.ts says what that is used for); a
// file that is there but cannot be read stays as it was; a change that cannot be prepared at all leaves everything as it is.

import { setTimeout as setTimeoutAsync } from "node:timers/promises";
import type { FileText, Problem } from "./compose.ts";
import type { Change, Report } from "./evaluator.ts";
import { type Root, type Scanned, type ScannedText, type Watching, scanFolders, watchFolders } from "./folders.ts";

export interface ReloadOptions {
  readonly roots: readonly Root[];
  /** Serves a change; rejects when it cannot be served. */
  readonly change: (files: Pick<Change, "changed" | "removed">) => Promise<Report>;
  /** After every change that is served. */
  readonly onReport: (report: Report, problems: readonly Problem[]) => void;
  readonly onError: (error: Error) => void;
}

export interface Reloading {
  /**
   * Looks at the files now; false when nothing had changed. Rejects when a change cannot be served, and the first time
   * also when one of the roots cannot be read: a path that was mistyped must not pass for a folder without policies.
   */
  reload(): Promise<boolean>;
  /** Follows the files until `close`. */
  follow(): void;
  close(): void;
}

/** A file that was written this long ago is complete; one that was emptied must have been so for longer. */
const settleMs = 50;
const emptySettleMs = 1000;
/** Editors put a new file in the old one's place; a file that is missing so often in a row is gone. */
const goneTries = 5;
/** One that is written again and again is read at last all the same. */
const settleTries = 40;

interface Known extends FileText {
  isBroken: boolean;
}

export function createReloading(options: ReloadOptions): Reloading {
  const known = new Map<string, Known>();
  let running: Promise<boolean> | null = null;
  let next: Promise<boolean> | null = null;
  let isFirst = true;
  let watching: Watching | null = null;

  const isChanged = ([file, { text, role }]: readonly [string, ScannedText]): boolean =>
    known.get(file)?.text !== text || known.get(file)?.role !== role;

  const once = async (): Promise<boolean> => {
    const scanned = await (isFirst ? scanFolders(options.roots) : scanSettled(options.roots, known, isChanged));
    const missing = scanned.problems.find(({ file }) => options.roots.some((root) => root.path === file));
    if (isFirst && missing !== undefined) throw new Error(missing.text);
    const isKept = (file: string): boolean =>
      scanned.unreadable.some((path) => file === path || file.startsWith(`${path}/`));
    const changed = [...scanned.texts]
      .filter(isChanged)
      .map(([file, { role, text }]) => ({ file, role, text, lastGood: lastGood(known.get(file)) }));
    const removed = [...known.keys()].filter((file) => !scanned.texts.has(file) && !isKept(file));
    if (!isFirst && changed.length + removed.length === 0) return false;
    const report = await options.change({ changed, removed });
    isFirst = false;
    for (const file of removed) known.delete(file);
    for (const file of changed) known.set(file.file, { ...file, isBroken: false });
    for (const file of known.values()) file.isBroken = report.broken.includes(file.file);
    options.onReport(report, [...scanned.problems, ...report.problems]);
    return true;
  };

  /** A look that has begun may have passed a file already that was written since: who asks then waits for the next one. */
  const reload = async (): Promise<boolean> => {
    if (running === null) {
      running = once().finally(() => {
        running = null;
      });
      return running;
    }
    next ??= running
      .catch(() => false)
      .then(() => {
        next = null;
        return reload();
      });
    return next;
  };

  const follow = async (): Promise<void> => {
    try {
      await reload();
    } catch (error) {
      options.onError(error as Error);
    }
  };

  return {
    reload,
    follow: () => {
      watching ??= watchFolders(options.roots, () => void follow(), options.onError);
    },
    close: () => watching?.close(),
  };
}

/** A file that is being written reads as empty or cut off for a moment, which must not pass for a change of policy. */
async function scanSettled(
  roots: readonly Root[],
  known: ReadonlyMap<string, unknown>,
  isChanged: (file: readonly [string, ScannedText]) => boolean,
): Promise<Scanned> {
  for (let tries = 0; ; tries++) {
    // oxlint-disable-next-line no-await-in-loop -- until the files rest
    const scanned = await scanFolders(roots);
    const nowMs = Date.now();
    const isSettled = [...scanned.texts]
      .filter(isChanged)
      .every(([, { text, writtenMs }]) => nowMs - writtenMs >= (text.trim() === "" ? emptySettleMs : settleMs));
    const isComplete = tries >= goneTries || [...known.keys()].every((file) => scanned.texts.has(file));
    if ((isSettled && isComplete) || tries === settleTries) return scanned;
    // oxlint-disable-next-line no-await-in-loop -- see above
    await setTimeoutAsync(settleMs);
  }
}

function lastGood(file: Known | undefined): string | null {
  if (file === undefined) return null;
  return file.isBroken ? file.lastGood : file.text;
}
