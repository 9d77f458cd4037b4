// Text to Program. This is the one file that knows the order of the phases.

import { parse } from "./1-parse/parser.ts";
import { check } from "./2-check/check.ts";
import { emitClosures } from "./3-emit/closures.ts";
import { ConstantFailed } from "./3-emit/constants.ts";
import type { Checked } from "./checked.ts";
import type { Environment } from "./environment.ts";
import { issuesText } from "./issue.ts";
import type { Outcome, Program, Run } from "./program.ts";
import { CostExceeded, type Evaluate, State } from "./runtime/state.ts";
import { CelError } from "./runtime/value.ts";

/** Why there is no program. */
export interface Refusal {
  /** Whether the text is none of the language, does not fit the environment, or could only fail. */
  readonly stage: "parse" | "check" | "program";
  /** cel-go's text: `ERROR: <input>:1:1: undeclared reference to 'x' (in container '')…`. */
  readonly message: string;
}

export type Compiled = { readonly program: Program } | { readonly refusal: Refusal };

/** Never throws at its user. */
export function compile(text: string, environment: Environment): Compiled {
  const { dialect, macros } = environment;
  const parsed = parse(text, { macros, dialect });
  if (parsed.value === null) return { refusal: { stage: "parse", message: issuesText(parsed.errors, text) } };
  const { checked, issues } = check(parsed.value, environment);
  if (checked === null) return { refusal: { stage: "check", message: issuesText(issues, text) } };
  try {
    return { program: programOf(text, checked, emitClosures(checked, environment)) };
  } catch (error) {
    if (error instanceof ConstantFailed) return { refusal: { stage: "program", message: error.message } };
    throw error;
  }
}

function programOf(text: string, { result }: Checked, evaluate: Evaluate): Program {
  return { text, result, evaluate: (run) => outcomeOf(evaluate, run) };
}

function outcomeOf(evaluate: Evaluate, run: Run): Outcome {
  const state = new State(run);
  try {
    const value = evaluate(state);
    return { value, cost: state.cost };
  } catch (error) {
    if (!(error instanceof CostExceeded)) throw error;
    return { value: new CelError(error.message), cost: state.cost };
  }
}
