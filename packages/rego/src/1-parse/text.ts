// Terms as messages show them. A reference is written in its shortest form (`a.b["c-d"][x]`), sets and objects in
// their order; comprehensions and calls appear as they stand in the source. OPA: v1/ast/term.go Ref.String, v1/ast/strings.go ValueName.

import { numberText, spanText } from "@portcullis/lang";
import type { Term } from "../ast.ts";
import { compareTerms } from "../terms.ts";
import { isKeywordOf } from "./keyword.ts";

export function termText(term: Term): string {
  switch (term.kind) {
    case "null":
      return "null";
    case "boolean":
      return String(term.value);
    case "number":
      return numberText(term.value);
    case "string":
      return JSON.stringify(term.value);
    case "var":
      return term.name.startsWith("$") ? "_" : term.name;
    case "ref":
      return referenceText([term.head, ...term.path]);
    case "array":
      return `[${term.items.map(termText).join(", ")}]`;
    case "set":
      return term.items.length === 0 ? "set()" : `{${term.items.toSorted(compareTerms).map(termText).join(", ")}}`;
    case "object": {
      const entries = term.entries.toSorted(([a], [b]) => compareTerms(a, b));
      return `{${entries.map(([key, value]) => `${termText(key)}: ${termText(value)}`).join(", ")}}`;
    }
    case "array-comprehension":
    case "set-comprehension":
    case "object-comprehension":
    case "call":
    case "template-string":
      break;
  }
  return spanText(term.span);
}

/** Head and path in one list, as rule heads have them. */
export function referenceText(terms: readonly Term[]): string {
  return terms
    .map((step, index) => {
      if (index === 0) return step.kind === "string" ? step.value : termText(step);
      return step.kind === "string" && isPlainName(step.value) ? `.${step.value}` : `[${termText(step)}]`;
    })
    .join("");
}

function isPlainName(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name) && !isKeywordOf("v1", name);
}

/** The kind of a term as messages call it. */
export function valueName(term: Term): string {
  return term.kind.replace("-", "");
}
