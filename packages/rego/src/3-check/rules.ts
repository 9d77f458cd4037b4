// Safety of rules: what a head gives out must be bound by its body, and each body must have a safe order.
// OPA: v1/ast/compile.go checkSafetyRuleHeads, checkSafetyRuleBodies.

import type { Span } from "@portcullis/lang";
import type { Head, Module, Rule, Term } from "../ast.ts";
import { addAll, reservedNames, safetyOptions } from "../outputs.ts";
import { compareStrings } from "../runtime/compare.ts";
import { rewriteModule, vars, walk } from "../visit.ts";
import { orderForSafety } from "./safety.ts";
import { isMadeUp, type Stage, writtenName } from "./stage.ts";
import { ruleScopes, unsafeErrors, unsafeVar } from "./unsafe.ts";

export function checkHeads(modules: readonly Module[], stage: Stage): readonly Module[] {
  for (const module of modules) {
    const scope = stage.environment.opa === "1.17" ? (): string => "" : ruleScopes(module);
    for (const rule of module.rules) {
      for (let link: Rule | null = rule; link !== null; link = link.else) checkHead(link, stage, scope);
    }
  }
  return modules;
}

function checkHead(rule: Rule, stage: Stage, scope: (rule: Rule) => string): void {
  const bound = vars(rule.body, safetyOptions);
  for (const arg of rule.head.args ?? []) addAll(bound, vars(arg));
  const given = [...varsOfHead(rule.head)].toSorted(([a], [b]) => compareStrings(a, b));
  for (const [name, span] of given) {
    const written = writtenName(name, [stage.names]);
    if (!bound.has(name) && !isMadeUp(name, [stage.names])) stage.errors.push(unsafeVar(span, written, scope(rule)));
  }
}

/** Variables of key, value and reference with the place where each stands last. */
function varsOfHead(head: Head): ReadonlyMap<string, Span> {
  const found = new Map<string, Span>();
  const terms: readonly (Term | null)[] = [head.key, head.value, ...head.reference.slice(1)];
  for (const term of terms) {
    if (term === null) continue;
    walk(term, {
      term: (inner): void => {
        if (inner.kind === "var") found.set(inner.name, inner.span);
      },
    });
  }
  return found;
}

export function orderBodies(modules: readonly Module[], stage: Stage): readonly Module[] {
  return modules.map((module) => {
    const scope = stage.environment.opa === "1.17" ? (): string => "" : ruleScopes(module);
    return rewriteModule(module, { rule: (rule) => orderBody(rule, stage, scope) });
  });
}

function orderBody(rule: Rule, stage: Stage, scope: (rule: Rule) => string): Rule {
  const globals = new Set(reservedNames);
  for (const arg of rule.head.args ?? []) addAll(globals, vars(arg));
  const { body, unsafe } = orderForSafety(rule.body, stage.arity, globals);
  const errors = unsafeErrors(unsafe, [stage.names], scope(rule));
  stage.errors.push(...errors);
  return errors.length > 0 ? rule : { ...rule, body };
}
