// What the algorithms in the folders beside it are given to compile trees with variables.

import type { Json } from "../engine/request.ts";
import type { Template } from "./template.ts";

/** Compiles a tree with variables; `compileTemplate`, given so that algorithms need not know how variables work. */
export type CompileTemplate = (tree: Json) => Template;

export interface ConditionsResult {
  readonly met: boolean;
  /** Of the conditions that decided, joined as Kyverno joins them. */
  readonly message: string;
}
