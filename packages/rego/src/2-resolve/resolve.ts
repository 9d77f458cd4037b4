// Phase 2: modules as written to modules that say what they mean. The stages run in OPA's order, because each relies on
// what the ones before it left, and because the first stage with an error is the one that the user hears about: after
// it no other runs, except where OPA goes on to find more (`recoverable`). OPA: v1/ast/compile.go NewCompiler.

import type { Diagnostic, Out } from "@portcullis/lang";
import type { Body, Module } from "../ast.ts";
import type { Environment } from "../environment.ts";
import { ruleGraph } from "../graph.ts";
import { moduleNames, queryNames } from "../names.ts";
import type { Resolved, ResolvedQuery } from "../resolved.ts";
import { ruleEntries, type RuleNode, ruleTree } from "../ruletree.ts";
import { bindComprehensions, bindQueryComprehensions, expandBody, expandTerms } from "./expand.ts";
import { bindHeadReferences, bindHeadTerms } from "./heads.ts";
import { rewriteMetadata } from "./metadata.ts";
import { checkImports, checkOverrides } from "./overrides.ts";
import { rewritePrints, rewriteQueryPrints } from "./print.ts";
import { resolveQuery, resolveReferences } from "./references.ts";
import { renameLocals, renameQuery } from "./rules.ts";
import type { Stage } from "./stage.ts";
import { rewriteQueryTemplates, rewriteTemplates } from "./templates.ts";
import { checkVoidCalls } from "./voidcalls.ts";
import { bindQueryWithValues, bindWithValues } from "./with.ts";

export function resolve(
  modules: readonly Module[],
  query: Body | null,
  environment: Environment,
): Out<Resolved | null> {
  const names = moduleNames(modules, environment.opa);
  const stage: Stage = { environment, names, errors: [], recoverable: [] };
  const resolved = resolveModules(modules, stage);
  if (resolved === null) return { value: null, diagnostics: collected(stage) };
  const asked = query === null ? null : resolveOne(query, environment, resolved.modules);
  return { value: { ...resolved, query: asked, names }, diagnostics: collected(stage) };
}

function collected(stage: Stage): readonly Diagnostic[] {
  return [...stage.recoverable, ...stage.errors];
}

/** Null when a stage ended the compilation. */
function resolveModules(modules: readonly Module[], stage: Stage): Pick<Resolved, "modules" | "graph"> | null {
  const named = resolveReferences(modules, stage.errors);
  if (stage.errors.length > 0) return null;
  const bound = bindHeadReferences(named, stage);
  checkOverrides(bound, stage);
  checkImports(bound, stage);
  if (isOver(stage)) return null;
  const tree = ruleTree(ruleEntries(bound));
  const expanded = inTurn(
    [
      (current) => renameLocals(current, stage),
      (current) => rewriteTemplates(current, stage, tree),
      (current) => checkVoidCalls(current, stage),
      (current) => rewritePrints(current, stage, tree),
      (current) => expandTerms(current, stage.names),
      (current) => rewriteMetadata(current, stage),
    ],
    bound,
    stage,
  );
  if (expanded === null) return null;
  const entries = ruleEntries(expanded);
  const graph = ruleGraph(entries, ruleTree(entries), stage.environment.opa);
  const done = inTurn(
    [
      (current) => bindComprehensions(current, stage.names),
      (current) => bindHeadTerms(current, stage),
      (current) => bindWithValues(current, stage, tree),
    ],
    expanded,
    stage,
  );
  return done === null ? null : { modules: done, graph };
}

/** The query's own names are made anew by each stage, as OPA makes them; one counter gives the same variables. */
function resolveOne(query: Body, environment: Environment, modules: readonly Module[]): Out<ResolvedQuery | null> {
  const names = queryNames(query, environment.opa);
  const stage: Stage = { environment, names, errors: [], recoverable: [] };
  const tree: RuleNode = ruleTree(ruleEntries(modules));
  const steps: readonly ((current: Body) => Body)[] = [
    resolveQuery,
    (current) => renameQuery(current, stage),
    (current) => rewriteQueryTemplates(current, stage, tree),
    (current) => checkVoidCalls(current, stage),
    (current) => rewriteQueryPrints(current, stage, tree),
    (current) => expandBody(current, names),
    (current) => bindQueryComprehensions(current, names),
    (current) => bindQueryWithValues(current, stage, tree),
  ];
  const body = inTurn(steps, query, stage);
  return { value: body === null ? null : { body, names }, diagnostics: collected(stage) };
}

function inTurn<T>(steps: readonly ((current: T) => T)[], start: T, stage: Stage): T | null {
  let current = start;
  for (const step of steps) {
    current = step(current);
    if (isOver(stage)) return null;
  }
  return current;
}

/** OPA 1.17 stops at the first stage with any error. */
function isOver(stage: Stage): boolean {
  return stage.errors.length > 0 || (stage.environment.opa === "1.17" && stage.recoverable.length > 0);
}
