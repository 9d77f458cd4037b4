// What is known of an expression while it is checked.

import type { Expression } from "../ast.ts";
import type { Reference } from "../checked.ts";
import type { Environment } from "../environment.ts";
import type { Issue } from "../issue.ts";
import * as types from "../types.ts";
import type { Type } from "../types.ts";
import type { Scope } from "./names.ts";
import { type Substitution, createSubstitution } from "./substitution.ts";

export interface State {
  readonly environment: Environment;
  readonly places: readonly number[];
  /** Variables of the folds around. */
  scope: Scope | null;
  readonly substitution: Substitution;
  readonly types: Map<number, Type>;
  readonly references: Map<number, Reference>;
  readonly errors: Issue[];
  /** How many type parameters were made. */
  parameters: number;
}

export const createState = (environment: Environment, places: readonly number[]): State => ({
  environment,
  places,
  scope: null,
  substitution: createSubstitution(),
  types: new Map(),
  references: new Map(),
  errors: [],
  parameters: 0,
});

export function report({ errors, places }: State, id: number, message: string): void {
  errors.push({ place: places[id] ?? -1, message });
}

export const typeOfNode = (state: State, { id }: Expression): Type => state.types.get(id) ?? types.errorType;

/** A type that is not known yet. */
export function freshParameter(state: State): Type {
  return types.parameter(`_var${state.parameters++}`);
}
