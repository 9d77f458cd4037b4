// The type check: rules in the order of their dependencies, so that what a rule reads is typed before it. A type is what
// is known for certain; an error is a literal that can never hold or a call that can never be right. A rule with an
// error counts as `any`, so that what reads it has no error for that. OPA: v1/ast/check.go.

import { type Diagnostic, errorAt, type Span } from "@portcullis/lang";
import type { Body, Expr, RefTerm, Rule, Term } from "../ast.ts";
import { type Graph, inDependencyOrder } from "../graph.ts";
import type { Names } from "../names.ts";
import { rulePath, rulesMeant } from "../ruletree.ts";
import { callsBuiltin, dottedName, groundPrefix, isComprehension, refTerms } from "../terms.ts";
import { termText } from "../termtext.ts";
import { walkBody, walkExpr, walkTerm } from "../visit.ts";
import { anyType, type Inferred, inferredFunction, type Maybe, objectType } from "./inferred.ts";
import type { Stage } from "./stage.ts";
import { argumentError, callError, type Finding, matchError } from "./typecalls.ts";
import {
  changesIn,
  innerEnv,
  rootEnv,
  setVariable,
  type TypeEnv,
  typeOf,
  typeOfReference,
  withTree,
} from "./typeenv.ts";
import { or } from "./typeorder.ts";
import { checkReferences } from "./typerefs.ts";
import { insert, newTypeNode, put, type TypeNode } from "./typetree.ts";
import { unifies } from "./typeunify.ts";

/** What the checker needs to know beside the environment. */
export interface Checker {
  readonly stage: Stage;
  readonly names: readonly Names[];
  readonly graph: Graph;
  /** Documents that a `with` on a target makes uncertain, by the target's text. */
  readonly relaxed: Map<string, TypeNode | null>;
  /** What a closure's body was found to be, and where. */
  readonly closures: WeakMap<Body, { readonly around: TypeEnv; readonly changes: number; readonly types: BodyTypes }>;
}

export function newChecker(stage: Stage, graph: Graph, names: readonly Names[]): Checker {
  return { stage, graph, names, relaxed: new Map(), closures: new WeakMap() };
}

/** Types of all rules; what is wrong goes to the stage's recoverable errors. */
export function checkRuleTypes(checker: Checker): TypeEnv {
  const env = rootEnv(closureTyper(checker), checker.stage.environment.opa);
  for (const link of inDependencyOrder(checker.graph)) {
    const path = rulePath(link.entry.module, link.rule);
    checker.stage.recoverable.push(...checkRule(checker, env, { rule: link.rule, path }));
  }
  return env;
}

/** An environment in which the rules' types are known, for a query with names of its own. */
export function checkQueryTypes(checker: Checker, env: TypeEnv, body: Body): readonly Diagnostic[] {
  return checkBody(checker, { ...env, closure: closureTyper(checker) }, body).errors;
}

/** Built-ins are looked up, not kept in the environment: see `typeOfOperator`. */
function closureTyper(checker: Checker): TypeEnv["closure"] {
  return (env, body) => {
    const { env: inner, errors } = checkClosure(checker, env, body);
    return errors.length === 0 ? inner : null;
  };
}

// ── rules

interface RuleAt {
  readonly rule: Rule;
  readonly path: readonly Term[];
}

function checkRule(checker: Checker, env: TypeEnv, { rule, path }: RuleAt): readonly Diagnostic[] {
  const { env: inner, errors } = checkBody(checker, innerEnv(env), rule.body);
  if (errors.length > 0) {
    put(env.tree, path, anyType);
    return errors;
  }
  const type = typeOfRule(inner, rule, path);
  const isFunction = (rule.head.args?.length ?? 0) > 0;
  if (type !== null) insert(env.tree, isFunction ? path : groundPrefix(path), type, (term) => typeOf(env, term));
  return errors;
}

function typeOfRule(env: TypeEnv, rule: Rule, path: readonly Term[]): Inferred | null {
  const { args, key, value } = rule.head;
  if (args !== null && args.length > 0) {
    for (const arg of args) giveUnknownAny(env, arg);
    const result = value === null ? null : typeOf(env, value);
    return { kind: "function", args: args.map((arg) => typeOf(env, arg)), variadic: null, result };
  }
  const own = value === null ? setOf(key === null ? null : typeOf(env, key)) : typeOf(env, value);
  return objectAround(env, path.slice(groundPrefix(path).length), own);
}

function setOf(type: Maybe): Maybe {
  return type === null ? null : { kind: "set", of: type };
}

/** Arguments that the body says nothing about. */
function giveUnknownAny(env: TypeEnv, arg: Term): void {
  walkTerm(arg, {
    term: (term): void => {
      if (term.kind === "var" && typeOf(env, term) === null) setVariable(env, term, anyType);
    },
  });
}

/** The variables of a rule's reference are keys of objects around its value. */
function objectAround(env: TypeEnv, path: readonly Term[], type: Maybe): Maybe {
  const [first, ...rest] = path;
  if (first === undefined) return type;
  const value = objectAround(env, rest, type);
  const key = typeOf(env, first);
  return value === null || key === null ? null : objectType([], { key, value });
}

// ── bodies

interface BodyTypes {
  readonly env: TypeEnv;
  readonly errors: readonly Diagnostic[];
}

function checkBody(checker: Checker, around: TypeEnv, body: Body): BodyTypes {
  const env = innerEnv(around);
  const errors: Diagnostic[] = [];
  for (const expr of body) {
    const own = expr.with.length > 0 && env.opa !== "1.17" ? envUnderWith(checker, env, expr) : env;
    const inClosures = checkClosures(checker, own, expr);
    const inReferences = checkReferences(own, expr, {
      names: checker.names,
      typeOfAny: (ref) => typeOfOperator(checker, own, ref),
    });
    errors.push(...inClosures, ...inReferences);
    const finding = checkLiteral(checker, own, expr);
    // What comes of a type that another error left unknown says nothing new.
    const follows = finding?.ofUnknown === true && inClosures.length + inReferences.length > 0;
    if (finding !== null && !follows) errors.push(errorAt("rego_type_error", finding.span, finding.message));
  }
  return { env, errors };
}

/** Closures are asked for their types again and again; without a memory, nested ones would take exponential time. */
function checkClosure(checker: Checker, around: TypeEnv, body: Body): BodyTypes {
  const known = checker.closures.get(body);
  const changes = changesIn(around);
  if (known?.around === around && known.changes === changes) return known.types;
  const types = checkBody(checker, around, body);
  checker.closures.set(body, { around, changes, types });
  return types;
}

/** Deeper nests are checked from the inside only. */
const maxNesting = 4;

/**
 * The last closure with errors tells them. Closures inside closures are looked at a second time from here, where less
 * is known of their variables: OPA does, and refuses what it finds so.
 */
function checkClosures(checker: Checker, env: TypeEnv, expr: Expr): readonly Diagnostic[] {
  let found: readonly Diagnostic[] = [];
  walkExpr(expr, {
    term: (term) => {
      if (!isComprehension(term)) return undefined;
      const { errors } = checkClosure(checker, env, term.body);
      if (errors.length > 0) found = errors;
      return errors.length > 0 || nesting(term.body) >= maxNesting ? false : undefined;
    },
  });
  return found;
}

/** How many closures there are inside each other. */
function nesting(body: Body): number {
  let deepest = 0;
  walkBody(body, {
    term: (term) => {
      if (!isComprehension(term)) return undefined;
      deepest = Math.max(deepest, 1 + nesting(term.body));
      return false;
    },
  });
  return deepest;
}

function checkLiteral(checker: Checker, env: TypeEnv, expr: Expr): Finding | null {
  for (const modifier of expr.with) {
    const finding = checkWith(checker, env, { ...modifier, span: modifier.span });
    if (finding !== null) return finding;
  }
  if (expr.kind !== "call") return null;
  const unify: boolean = callsBuiltin(expr, "eq");
  return unify ? matchError(env, expr) : callError(env, { expr, type: typeOfOperator(checker, env, expr.operator) });
}

/** The type of a function; null when there is none. */
function typeOfOperator(checker: Checker, env: TypeEnv, operator: RefTerm): Maybe {
  const name = dottedName(operator);
  const builtin = name === null ? undefined : checker.stage.environment.builtin(name);
  return builtin === undefined ? typeOfReference(env, operator) : inferredFunction(builtin.type);
}

// ── with

/** A function may be replaced by one of the same arity, or by a value. */
function checkWith(
  checker: Checker,
  env: TypeEnv,
  modifier: { readonly target: Term; readonly value: Term; readonly span: Span },
): Finding | null {
  const { target, value, span } = modifier;
  if (target.kind !== "ref" || value.kind !== "ref") return null;
  const wanted = typeOfOperator(checker, env, target);
  const given = typeOfOperator(checker, env, value);
  if (wanted?.kind !== "function" || given?.kind !== "function" || unifies(wanted, given)) return null;
  return argumentError(env, {
    operator: termText(target),
    problem: "arity mismatch",
    span,
    have: given.args,
    type: wanted,
  });
}

/** What a `with` replaces can also be of its value's type, and what depends on it can be anything. */
function envUnderWith(checker: Checker, env: TypeEnv, expr: Expr): TypeEnv {
  let inner = env;
  const replaced: { readonly path: readonly Term[]; readonly type: Maybe }[] = [];
  for (const { target, value } of expr.with) {
    if (target.kind !== "ref") continue;
    const targetType = typeOfOperator(checker, env, target);
    const isFunction = targetType?.kind === "function";
    const tree = relaxedBy(checker, refTerms(target), isFunction);
    if (tree !== null) inner = withTree(inner, tree);
    if (isFunction) continue;
    const path = groundPrefix(refTerms(target));
    const valueType = path.length === target.path.length + 1 && targetType !== null ? typeOf(env, value) : null;
    replaced.push({ path, type: (valueType === null ? null : or(targetType, valueType)) ?? anyType });
  }
  if (replaced.length === 0) return inner;
  inner = withTree(inner);
  for (const { path, type } of replaced) put(inner.tree, path, type);
  return inner;
}

/** The rules that a target may be, and all that depend on them. */
function relaxedBy(checker: Checker, target: readonly Term[], isFunction: boolean): TypeNode | null {
  const key = `${isFunction ? "f:" : ""}${target.map(termText).join("/")}`;
  const known = checker.relaxed.get(key);
  if (known !== undefined) return known;
  let tree: TypeNode | null = null;
  for (const path of dependentPaths(checker, target)) {
    if (isFunction && path.map(termText).join("/") === target.map(termText).join("/")) continue;
    tree ??= newTypeNode();
    put(tree, path, anyType);
  }
  checker.relaxed.set(key, tree);
  return tree;
}

function dependentPaths({ stage, graph }: Checker, target: readonly Term[]): readonly (readonly Term[])[] {
  const byId = new Map(graph.links.map((link) => [link.id, link]));
  const seen = new Set<number>();
  const visit = (id: number): void => {
    if (seen.has(id)) return;
    seen.add(id);
    for (const next of graph.dependents.get(id) ?? []) visit(next);
  };
  for (const entry of rulesMeant(stage.tree, target)) visit(entry.id);
  return [...seen].map((id) => groundPrefix(byId.get(id)?.entry.path ?? []));
}
