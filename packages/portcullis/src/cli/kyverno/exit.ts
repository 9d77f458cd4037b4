// How Kyverno's commands end: an error goes to standard error behind `Error:`, and the exit code is 1 unless said otherwise.

export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = "CommandFailed";
    this.exitCode = exitCode;
  }
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Runs a command; its exit code. */
export function run(command: () => number): number {
  try {
    return command();
  } catch (error) {
    // Only what a command says itself ends it quietly; our own mistakes must be seen.
    if (!(error instanceof Error)) throw error;
    if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) throw error;
    process.stderr.write(`Error: ${error.message}\n`);
    return error instanceof CommandFailed ? error.exitCode : 1;
  }
}
