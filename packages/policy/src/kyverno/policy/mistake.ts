// A mistake in a policy: Kyverno's text, and the place in the policy that it is about. Kyverno's admission stops at the
// first mistake, so that checks throw it.

export type Steps = readonly (string | number)[];

export class Mistake extends Error {
  readonly path: Steps;

  constructor(message: string, path: Steps) {
    super(message);
    this.name = "Mistake";
    this.path = path;
  }
}

/** Runs a check and puts a prefix before the text of its mistake. */
export function explaining(prefix: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    throw new Mistake(prefix + error.message, error.path);
  }
}
