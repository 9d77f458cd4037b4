// The result of checking a value: what is wrong, each text once, and how many checks matched.
// Behaviour from k8s.io/kube-openapi pkg/validation/validate/result.go.

export interface Problem {
  readonly message: string;
  /** Where, as the validator names it: `spec.x[0]`; a missing member of the root is `.x`. */
  readonly path: string;
  readonly value: unknown;
  /** How the API server prints it. */
  readonly show: "value" | "required" | "enum" | "too long" | "too many";
  readonly limit?: number;
  readonly allowed?: readonly string[];
}

export interface Tally {
  readonly problems: Problem[];
  matches: number;
}

export function newTally(matches = 0, problems: Problem[] = []): Tally {
  return { problems, matches };
}

export function addProblem(tally: Tally, problem: Problem): void {
  if (!tally.problems.some((other) => other.message === problem.message)) tally.problems.push(problem);
}

export function merge(tally: Tally, other: Tally): void {
  for (const problem of other.problems) addProblem(tally, problem);
  tally.matches += other.matches;
}
