// What the phases know beside the modules: the built-ins that the program may call, and the switches of its compilation.

import type { RefTerm, Rule } from "./ast.ts";
import type { Builtin } from "./builtins/builtin.ts";
import type { Arity } from "./outputs.ts";
import type { OpaVersion } from "./program.ts";
import { findNode, type RuleNode } from "./ruletree.ts";
import { dottedName, refTerms } from "./terms.ts";

export interface Environment {
  /** Undefined for one that is disabled. */
  readonly builtin: (name: string) => Builtin | undefined;
  /** Keep `print` calls. */
  readonly print: boolean;
  /** Whose verdicts and words. */
  readonly opa: OpaVersion;
}

/** The arity of built-ins and of the rules in a tree; rules that are no functions have 0. OPA: Compiler.GetArity. */
export function arityOf(environment: Environment, tree: RuleNode): Arity {
  return (operator: RefTerm) => {
    const name = dottedName(operator);
    const builtin = name === null ? undefined : environment.builtin(name);
    if (builtin !== undefined) return builtin.type.args.length;
    const rule: Rule | undefined = findNode(tree, refTerms(operator))?.rules[0]?.rule;
    return rule === undefined ? -1 : (rule.head.args?.length ?? 0);
  };
}
