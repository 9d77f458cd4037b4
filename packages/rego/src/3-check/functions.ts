// Calls of functions that do not exist or take another number of arguments, and of built-ins that v1 gave up.
// OPA: v1/ast/compile.go checkUndefinedFuncs, v1/ast/rego_v1.go checkDeprecatedBuiltins.

import { errorAt } from "@portcullis/lang";
import type { CallExpr, Module, RefTerm } from "../ast.ts";
import { dottedName, isEquality } from "../terms.ts";
import { termText } from "../termtext.ts";
import { type Node, rewriteTerm, walk } from "../visit.ts";
import { inferredFunction } from "./inferred.ts";
import { type Stage, writtenName } from "./stage.ts";
import { argumentError } from "./typecalls.ts";
import { rootEnv, typeOf } from "./typeenv.ts";

export function checkFunctions(node: Node, stage: Stage): void {
  walk(node, {
    expr: (expr) => {
      if (expr.kind !== "call") return undefined;
      const wanted = stage.arity(expr.operator);
      const given = expr.args.length;
      const name = termText(writtenOperator(expr.operator, stage));
      if (wanted < 0) {
        stage.errors.push(errorAt("rego_type_error", expr.span, `undefined function ${name}`));
        return false;
      }
      // A rewrite adds the output as an argument of its own; the user may.
      const fits = expr.generated ? isEquality(expr) || given === wanted + 1 : given === wanted || given === wanted + 1;
      if (fits) {
        refuseUnsupported(expr, stage);
        return undefined;
      }
      const message = arityMessage(expr, stage, { name, wanted, given: expr.generated ? given - 1 : given });
      stage.errors.push(errorAt("rego_type_error", expr.span, message));
      return false;
    },
  });
}

/** What is known by name only must not run: it would be undefined in silence. */
function refuseUnsupported(expr: CallExpr, stage: Stage): void {
  const name = dottedName(expr.operator);
  if (name === null || stage.environment.builtin(name)?.unsupported !== true) return;
  const text = `built-in function ${name} is not supported yet`;
  stage.recoverable.push(errorAt("builtin-not-supported", expr.span, text));
}

function writtenOperator(operator: RefTerm, stage: Stage): RefTerm {
  const written = rewriteTerm(operator, {
    term: (term, descend) =>
      term.kind === "var" ? { ...term, name: writtenName(term.name, [stage.names]) } : descend(term),
  });
  return written.kind === "ref" ? written : operator;
}

interface Arguments {
  readonly name: string;
  readonly wanted: number;
  readonly given: number;
}

/** A built-in tells its types; those of variables are not known yet. */
function arityMessage(call: CallExpr, stage: Stage, { name, wanted, given }: Arguments): string {
  const builtin = stage.environment.builtin(name);
  if (builtin === undefined)
    return `function ${name} has arity ${wanted}, got ${given} argument${given === 1 ? "" : "s"}`;
  const nothing = rootEnv(() => null, stage.environment.opa);
  const have = call.args.map((arg) => typeOf(nothing, arg));
  const type = inferredFunction(builtin.type);
  return argumentError(nothing, { operator: name, problem: "arity mismatch", span: call.span, have, type }).message;
}

/** Deprecated built-ins in modules of version 1. */
export function checkDeprecated(modules: readonly Module[], stage: Stage): void {
  for (const module of modules) {
    if (module.version !== "v1" && !module.imports.some(importsRego)) continue;
    walk(module, {
      expr: (expr): void => {
        if (expr.kind !== "call") return;
        const name = dottedName(expr.operator);
        if (name === null || stage.environment.builtin(name)?.deprecated !== true) return;
        const text = `deprecated built-in function calls in expression: ${name}`;
        stage.recoverable.push(errorAt("rego_type_error", expr.span, text));
      },
    });
  }
}

function importsRego(one: Module["imports"][number]): boolean {
  return one.path.head.kind === "var" && one.path.head.name === "rego";
}
