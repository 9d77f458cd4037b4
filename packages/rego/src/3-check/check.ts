// Phase 3: modules that say what they mean to modules that may run. It checks what can be checked without running
// (conflicts, functions, safety, recursion, types) and makes the two changes that depend on it: bodies in an order in
// which every literal finds its inputs bound, and references hoisted where OPA hoists them. The stages run in OPA's
// order; see `2-resolve/resolve.ts` for why. OPA: v1/ast/compile.go NewCompiler.

import type { Diagnostic, Out } from "@portcullis/lang";
import type { Checked, CheckedQuery, Module } from "../ast.ts";
import { arityOf, type Environment } from "../environment.ts";
import { type Graph, withRules } from "../graph.ts";
import type { Names } from "../names.ts";
import { reservedNames } from "../outputs.ts";
import type { Resolved, ResolvedQuery } from "../resolved.ts";
import { rulePath, ruleEntries, ruleTree } from "../ruletree.ts";
import { isGeneratedName } from "../terms.ts";
import { isWildcard, rewriteModule, vars } from "../visit.ts";
import { checkConflicts } from "./conflicts.ts";
import { checkDeprecated, checkFunctions } from "./functions.ts";
import { hoistBody, hoistTerms, rewriteEquals } from "./hoist.ts";
import { checkRecursion } from "./recursion.ts";
import { checkHeads, orderBodies } from "./rules.ts";
import { orderForSafety } from "./safety.ts";
import type { Stage } from "./stage.ts";
import type { TypeEnv } from "./typeenv.ts";
import { checkQueryTypes, checkRuleTypes, newChecker } from "./types.ts";
import { unsafeErrors } from "./unsafe.ts";

export function check(resolved: Resolved, environment: Environment): Out<Checked | null> {
  const stage = newStage(resolved.modules, resolved.names, environment);
  const modules = checkModules(resolved.modules, stage);
  if (modules === null) return { value: null, diagnostics: collected(stage) };
  const graph = withRules(resolved.graph, ruleEntries(modules));
  checkRecursion(graph, stage);
  if (stage.errors.length > 0) return { value: null, diagnostics: collected(stage) };
  const env = checkRuleTypes(newChecker(stage, graph, [resolved.names]));
  if (environment.opa !== "1.17" || stage.recoverable.length === 0) checkDeprecated(modules, stage);
  const errors = collected(stage);
  const asked = errors.length === 0 ? (resolved.query?.value ?? null) : null;
  const queryStage: Stage = { ...stage, names: asked?.names ?? resolved.names, errors: [], recoverable: [] };
  const query =
    asked === null ? null : checkQuery(asked, queryStage, { graph, env, names: [asked.names, resolved.names] });
  const written = new Map([...userNames(resolved.names), ...(asked === null ? [] : userNames(asked.names))]);
  const annotations = modules.flatMap((module) => module.annotations);
  const ofQuery = [...(resolved.query?.diagnostics ?? []), ...collected(queryStage)];
  return {
    value: { modules: modules.map(withFullPaths), query, annotations, written },
    diagnostics: errors.length === 0 ? ofQuery : errors,
  };
}

function userNames(names: Names): readonly (readonly [string, string])[] {
  return [...names.written].filter(([, written]) => !names.made.has(written));
}

function newStage(modules: readonly Module[], names: Names, environment: Environment): Stage {
  const tree = ruleTree(ruleEntries(modules));
  return { environment, names, tree, arity: arityOf(environment, tree), errors: [], recoverable: [] };
}

function collected(stage: Stage): readonly Diagnostic[] {
  return [...stage.errors, ...stage.recoverable];
}

function checkModules(modules: readonly Module[], stage: Stage): readonly Module[] | null {
  const steps: readonly ((current: readonly Module[]) => readonly Module[])[] = [
    (current) => checkConflicts(current, stage),
    (current) => {
      for (const module of current) checkFunctions(module, stage);
      return current;
    },
    (current) => checkHeads(current, stage),
    (current) => orderBodies(current, stage),
    rewriteEquals,
    (current) => hoistTerms(current, stage.names),
  ];
  let current = modules;
  for (const step of steps) {
    current = step(current);
    if (stage.errors.length > 0) return null;
  }
  return current;
}

/** `==` stays a call in a query, whose user wants to see false. */
function checkQuery(
  query: ResolvedQuery,
  stage: Stage,
  { graph, env, names }: { readonly graph: Graph; readonly env: TypeEnv; readonly names: readonly Names[] },
): CheckedQuery | null {
  checkFunctions(query.body, stage);
  if (stage.errors.length > 0) return null;
  const { body, unsafe } = orderForSafety(query.body, stage.arity, reservedNames);
  stage.errors.push(...unsafeErrors(unsafe, names, ""));
  if (stage.errors.length > 0) return null;
  const hoisted = hoistBody(body, query.names);
  const checker = newChecker(stage, graph, names);
  stage.errors.push(...checkQueryTypes(checker, env, hoisted));
  return { body: hoisted, variables: queryVariables(hoisted, query.names) };
}

/** The variables that the user wrote at the top of the query; those in closures are theirs. */
function queryVariables(body: CheckedQuery["body"], names: Names): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name of vars(body, { skipCallHeads: true, skipClosures: true })) {
    const written = names.written.get(name) ?? name;
    if (!isGeneratedName(written) && !isWildcard(written) && !reservedNames.has(written)) found.set(written, name);
  }
  return found;
}

function withFullPaths(module: Module): Module {
  return rewriteModule(module, {
    rule: (rule) => ({ ...rule, head: { ...rule.head, reference: rulePath(module, rule) } }),
  });
}
