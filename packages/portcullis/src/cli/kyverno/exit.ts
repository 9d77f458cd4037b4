// How Kyverno's commands write and end. What goes to a file or a pipe is gathered, since each write is a call of the system;
// a terminal sees each line at once. An error goes to standard error behind `Error:`, and the exit code is 1 unless said
// otherwise.

export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = "CommandFailed";
    this.exitCode = exitCode;
  }
}

const gatheredMax = 64 * 1024;

let gathered = "";

/** Writes to standard output, at the end of the run at the latest. */
export function write(text: string): void {
  gathered += text;
  if (gathered.length >= gatheredMax || process.stdout.isTTY) flush();
}

export function print(text: string): void {
  write(`${text}\n`);
}

/** Writes a line to standard error, behind what was written before. */
export function printError(text: string): void {
  flush();
  process.stderr.write(`${text}\n`);
}

function flush(): void {
  if (gathered !== "") process.stdout.write(gathered);
  gathered = "";
}

/** Runs a command; its exit code. */
export function run(command: () => number): number {
  try {
    return command();
  } catch (error) {
    return failed(error);
  } finally {
    flush();
  }
}

/** As `run`, for a command that may wait for a cluster. */
export async function runLong(command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    return failed(error);
  } finally {
    flush();
  }
}

/** Only what a command says itself ends it quietly; our own mistakes must be seen. */
function failed(error: unknown): number {
  if (!(error instanceof Error)) throw error;
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) throw error;
  printError(`Error: ${error.message}`);
  return error instanceof CommandFailed ? error.exitCode : 1;
}
