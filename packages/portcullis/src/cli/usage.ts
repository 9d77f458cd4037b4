// An error of the user's: wrong flags, a path that is not there, a file that cannot be read. It ends in exit code 2 and
// its message says what was expected and how to mend it.

export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}
