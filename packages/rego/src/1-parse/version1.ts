// What v1 (and `import rego.v1`) demands of the form of rules. OPA: v1/ast/rego_v1.go CheckRegoV1 for a rule.

import { type Diagnostic, errorAt } from "@portcullis/lang";
import { isKeywordOf } from "./keyword.ts";
import type { RuleForm, WrittenRule } from "./rule.ts";

export function checkVersion1({ links }: WrittenRule): Diagnostic[] {
  return links.flatMap((link) => problems(link).map((message) => errorAt("rego_parse_error", link.span, message)));
}

function problems(link: RuleForm): string[] {
  const { head } = link;
  const kind = head.args !== null && head.args.length > 0 ? "function" : "rule";
  const [name] = head.reference;
  const made: string[] = [];
  if (head.reference.length < 2 && name?.kind === "var" && isKeywordOf("v1", name.name)) {
    made.push(`${name.name} keyword cannot be used for rule name`);
  }
  if (link.impliedBody && link.impliedValue) made.push(`${kind} must have value assignment and/or body declaration`);
  if (!link.impliedBody && !link.hasIf && !link.default) made.push(`\`if\` keyword is required before ${kind} body`);
  if (head.value === null && !link.hasContains) made.push("`contains` keyword is required for partial set rules");
  return made;
}
