// What every conformance suite is: a name, and cases that were read from the data of other people. A case either passes
// or throws; how it is judged against the list of known gaps is the same for all (see `run.ts`).

export interface ConformanceCase {
  /** Stable and readable: folder, file and place in the file. It is what a line of a gaps file names. */
  readonly id: string;
  /** Throws an Error whose message says what differs. */
  readonly run: () => void | Promise<void>;
}

export interface ConformanceSuite {
  readonly name: string;
  /** The folder below the data folder that must be there, else the suite is reported as absent. */
  readonly needs: string;
  /** It takes minutes: run only when it is named. */
  readonly onlyByName?: true;
  /** It waits for other programs: a case that fails and is no gap is tried once more. */
  readonly secondTry?: true;
  /** Why it cannot be run on this machine; null when it can. */
  readonly unavailable?: () => string | null;
  /** Reads the cases. `dataDir` is absolute. */
  readonly load: (dataDir: string) => readonly ConformanceCase[] | Promise<readonly ConformanceCase[]>;
  /** Ends what the cases share. */
  readonly close?: () => Promise<void>;
}
