// A checked module as text: each rule with its body in the order in which it is evaluated.

import type { Checked, Rule } from "../src/index.ts";
import { exprText, termText } from "../src/index.ts";

export function checkedText(checked: Checked): string {
  const rules = checked.modules.flatMap((module) => module.rules).map(ruleText);
  if (checked.query === null) return rules.join("\n");
  return [...rules, ["query", ...checked.query.body.map((expr) => `  ${exprText(expr)}`), ""].join("\n")].join("\n");
}

function ruleText(rule: Rule): string {
  const lines: string[] = [];
  for (let link: Rule | null = rule; link !== null; link = link.else) {
    const { reference, args, key, value } = link.head;
    const path = reference.map(termText).join("/");
    const parts = [
      link === rule ? path : "else",
      args === null ? "" : `(${args.map(termText).join(", ")})`,
      key === null ? "" : ` key ${termText(key)}`,
      value === null ? "" : ` value ${termText(value)}`,
    ];
    lines.push(parts.join(""), ...link.body.map((expr) => `  ${exprText(expr)}`));
  }
  return `${lines.join("\n")}\n`;
}
