// What v1 forbids beyond v0's grammar: rules, arguments and variables called `input` or `data`, and two imports of one
// name. OPA: v1/ast/rego_v1.go.

import type { Diagnostic } from "@portcullis/lang";
import type { Import, Module } from "../ast.ts";
import { callsBuiltin, isRootDocument, isRootName } from "../terms.ts";
import { termText } from "../termtext.ts";
import { walk } from "../visit.ts";
import { importName } from "./references.ts";
import { compileError, type Stage } from "./stage.ts";

export function checkOverrides(modules: readonly Module[], stage: Stage): void {
  for (const module of modules) if (isV1(module)) checkRootDocuments(module, stage.recoverable);
}

export function checkImports(modules: readonly Module[], stage: Stage): void {
  for (const module of modules) {
    if (!isV1(module)) continue;
    const seen = new Map<string, Import>();
    for (const one of module.imports) {
      const first = seen.get(importName(one));
      if (first === undefined) seen.set(importName(one), one);
      else stage.recoverable.push(compileError(one.span, `import must not shadow ${importText(first)}`));
    }
  }
}

/** Version 1, or brought up to it by `import rego.v1` (or v2). */
function isV1(module: Module): boolean {
  return (
    module.version === "v1" ||
    module.imports.some((one) => one.path.head.kind === "var" && one.path.head.name === "rego")
  );
}

function importText(one: Import): string {
  return `import ${termText(one.path)}${one.alias === null ? "" : ` as ${one.alias}`}`;
}

function checkRootDocuments(module: Module, errors: Diagnostic[]): void {
  for (const rule of module.rules) {
    const [name] = rule.head.reference;
    if (name?.kind === "var" && isRootName(name.name)) {
      errors.push(compileError(rule.span, `rules must not shadow ${name.name} (use a different rule name)`));
    }
    for (const arg of rule.head.args ?? []) {
      if (!isRootDocument(arg)) continue;
      errors.push(compileError(arg.span, `args must not shadow ${termText(arg)} (use a different variable name)`));
    }
  }
  walk(module, {
    expr: (expr): void => {
      const [left] = callsBuiltin(expr, "assign") ? expr.args : [];
      if (left === undefined || !isRootDocument(left)) return;
      const text = `variables must not shadow ${termText(left)} (use a different variable name)`;
      errors.push(compileError(expr.span, text));
    },
  });
}
