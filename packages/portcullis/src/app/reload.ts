// Keeps what is served in step with the files: scans, sends what changed, and scans again when something was written
// meanwhile. A file that broke keeps its last good text beside the new one (compose.ts says what that is used for); a
// file that is there but cannot be read stays as it was; a change that cannot be prepared at all leaves everything as it is.

import type { FileText, Problem } from "./compose.ts";
import type { Change, Report } from "./evaluator.ts";
import { type Root, type Watching, scanFolders, watchFolders } from "./folders.ts";

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

interface Known extends FileText {
  isBroken: boolean;
}

export function createReloading(options: ReloadOptions): Reloading {
  const known = new Map<string, Known>();
  let running: Promise<boolean> | null = null;
  let isAgain = false;
  let isFirst = true;
  let watching: Watching | null = null;

  const once = async (): Promise<boolean> => {
    const scanned = await scanFolders(options.roots);
    const missing = scanned.problems.find(({ file }) => options.roots.some((root) => root.path === file));
    if (isFirst && missing !== undefined) throw new Error(missing.text);
    const isKept = (file: string): boolean =>
      scanned.unreadable.some((path) => file === path || file.startsWith(`${path}/`));
    const changed = [...scanned.texts]
      .filter(([file, { text, role }]) => known.get(file)?.text !== text || known.get(file)?.role !== role)
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

  const reload = async (): Promise<boolean> => {
    if (running !== null) {
      isAgain = true;
      return running;
    }
    running = once();
    try {
      return await running;
    } finally {
      running = null;
      if (isAgain) {
        isAgain = false;
        void follow();
      }
    }
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

function lastGood(file: Known | undefined): string | null {
  if (file === undefined) return null;
  return file.isBroken ? file.lastGood : file.text;
}
