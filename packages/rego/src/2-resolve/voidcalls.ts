// A function without a value, `print` for one, may only stand as a literal. OPA: v1/ast/compile.go checkVoidCalls.

import { errorAt } from "@portcullis/lang";
import { dottedName } from "../terms.ts";
import { termText } from "../termtext.ts";
import { type Node, walk } from "../visit.ts";
import type { Stage } from "./stage.ts";

export function checkVoidCalls<T extends Node>(nodes: readonly T[], stage: Stage): readonly T[] {
  for (const node of nodes) {
    walk(node, {
      term: (term): void => {
        const name = term.kind === "call" ? dottedName(term.operator) : null;
        if (name === null || stage.environment.builtin(name)?.type.result !== null) return;
        stage.errors.push(errorAt("rego_type_error", term.span, `${termText(term)} used as value`));
      },
    });
  }
  return nodes;
}
