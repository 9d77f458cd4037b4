// What goes wrong while a rule is evaluated: a variable that cannot be resolved, a context entry that cannot be loaded.
// It is thrown inside a rule and caught by the rule's evaluation, which makes an `error` result of it; the texts are
// Kyverno's, so that every layer adds its prefix just as there. Limits and missing needs are not failures: they have
// their own classes (LimitError, Suspend) and pass through.

export class Failure extends Error {
  /** The failure is that a key is missing: what a `foreach` over an optional list forgives. */
  readonly missingKey: boolean;

  constructor(message: string, missingKey = false) {
    super(message);
    this.name = "Failure";
    this.missingKey = missingKey;
  }
}

/** The failure that was caught; whatever else was thrown (limits, needs, our own mistakes) goes on. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}

/** Runs something and puts a prefix before the text of its failure, as `fmt.Errorf("…: %w")` does. */
export function prefixing<Result>(prefix: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    const failure = failureOf(error);
    throw new Failure(`${prefix}: ${failure.message}`, failure.missingKey);
  }
}
