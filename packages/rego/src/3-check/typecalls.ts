// Calls and equalities that can never hold, and what is said about them. OPA: v1/ast/check.go checkExprBuiltin,
// checkExprEq, checkExprMember, ArgErrDetail, UnificationErrDetail.

import type { Span } from "@portcullis/lang";
import type { CallExpr, Term } from "../ast.ts";
import { callsBuiltin } from "../terms.ts";
import { termText } from "../termtext.ts";
import type { FunctionType, Maybe } from "./inferred.ts";
import { operandName } from "./operands.ts";
import { type TypeEnv, typeOf } from "./typeenv.ts";
import { isUnknown, keysOf, valuesOf } from "./typeorder.ts";
import { differingTexts, isTooWide, type Named, namedText, shortText } from "./typetext.ts";
import { unifies, unifyTerms, unifyWith } from "./typeunify.ts";

/** What is wrong with a literal. */
export interface Finding {
  readonly span: Span;
  readonly message: string;
  /** It may only follow from a type that is not known. */
  readonly ofUnknown: boolean;
}

// ── equalities

export function matchError(env: TypeEnv, expr: CallExpr): Finding | null {
  const [a, b, ...more] = expr.args;
  if (a === undefined || b === undefined || more.length > 0) {
    const problem = more.length > 0 ? "too many arguments" : "too few arguments";
    const have = expr.args.map((arg) => typeOf(env, arg));
    const any: Maybe = { kind: "any", of: [] };
    const want: FunctionType = { kind: "function", args: [any, any], variadic: null, result: null };
    return argumentError(env, { operator: "eq", problem, span: expr.span, have, type: want });
  }
  const [left, right] = [typeOf(env, a), typeOf(env, b)];
  if (unifyTerms(env, { term: a, type: left }, { term: b, type: right })) return null;
  return mismatch(env, expr, [left, right]);
}

function mismatch(env: TypeEnv, expr: CallExpr, [left, right]: readonly [Maybe, Maybe]): Finding {
  const sides = [left, right].map((type): Named => ({ name: "", type })) as [Named, Named];
  const lines = (a: string, b: string): string[] => [`left  : ${a}`, `right : ${b}`];
  let shown = lines(namedText(sides[0]), namedText(sides[1]));
  if (env.opa !== "1.17" && isTooWide(...shown)) shown = lines(...differingTexts(...sides));
  const kind = env.opa !== "1.17" && left?.kind === right?.kind && left !== null ? plural[left.kind] : undefined;
  if (kind !== undefined) {
    const page = "https://www.openpolicyagent.org/docs/errors/rego-type-error/match-error";
    shown.push(`hint  : both sides are ${kind} but their types differ, so they can never be equal (see ${page})`);
  }
  return {
    span: expr.span,
    message: ["match error", ...shown].join("\n\t"),
    ofUnknown: isUnknown(left) || isUnknown(right),
  };
}

const plural: Readonly<Record<string, string>> = { object: "objects", array: "arrays", set: "sets" };

// ── calls

export function callError(
  env: TypeEnv,
  { expr, type }: { readonly expr: CallExpr; readonly type: Maybe },
): Finding | null {
  const member = env.opa === "1.17" ? null : memberError(env, expr);
  if (member !== null) return member;
  const operator = termText(expr.operator);
  const { span } = expr;
  if (type?.kind === "any" && type.of.length === 0) return null;
  if (type?.kind !== "function") return { span, message: `undefined function ${operator}`, ofUnknown: false };
  const types = (): readonly Maybe[] => expr.args.map((arg) => typeOf(env, arg));
  const wanted = type.result === null ? type.args : [...type.args, type.result];
  if (expr.args.length > wanted.length && type.variadic === null) {
    return argumentError(env, { operator, problem: "too many arguments", span, have: types(), type });
  }
  if (expr.args.length < type.args.length) {
    return argumentError(env, { operator, problem: "too few arguments", span, have: types(), type });
  }
  const before = types();
  for (const [at, arg] of expr.args.entries()) {
    const want = at < wanted.length ? (wanted[at] ?? null) : type.variadic;
    const have = before[at] ?? null;
    const problem = "invalid argument(s)";
    if (!isUnknown(have) && !unifies(have, want))
      return argumentError(env, { operator, problem, span, have: before, type });
    if (!unifyWith(env, arg, want)) return argumentError(env, { operator, problem, span, have: types(), type });
  }
  return null;
}

/** `x in xs` where xs can be enumerated and x can never be in it. */
function memberError(env: TypeEnv, expr: CallExpr): Finding | null {
  const withKey = callsBuiltin(expr, "internal.member_3");
  const arity = withKey ? 3 : 2;
  if ((!withKey && !callsBuiltin(expr, "internal.member_2")) || expr.args.length < arity) return null;
  const collection = typeOf(env, expr.args[arity - 1] as Term);
  const values = valuesOf(collection);
  if (values === null) return null;
  const key = withKey ? memberOperandError(env, expr, { term: expr.args[0] as Term, type: keysOf(collection) }) : null;
  return key ?? memberOperandError(env, expr, { term: expr.args[arity - 2] as Term, type: values });
}

function memberOperandError(
  env: TypeEnv,
  expr: CallExpr,
  { term, type }: { readonly term: Term; readonly type: Maybe },
): Finding | null {
  if (isUnknown(type)) return null;
  const have = typeOf(env, term);
  if ((isUnknown(have) || unifies(have, type)) && unifyWith(env, term, type)) return null;
  return mismatch(env, expr, [have, type]);
}

// ── have and want

interface Problem {
  readonly operator: string;
  readonly problem: string;
  readonly span: Span;
  readonly have: readonly Maybe[];
  readonly type: FunctionType;
}

/** `count: invalid argument(s)` with what was given and what is taken. */
export function argumentError(env: TypeEnv, { operator, problem, span, have, type }: Problem): Finding {
  const given = have.map((one): Named => ({ name: "", type: one }));
  const isResultShown = problem !== "arity mismatch" && type.result !== null;
  const args = isResultShown ? [...type.args, type.result] : type.args;
  const wanted = args.map((one, at): Named => ({ name: operandName(operator, at), type: one }));
  const rest = type.variadic === null ? [] : [`${shortText({ name: "", type: type.variadic })}...`];
  const line = (start: string, texts: readonly string[]): string => `${start}: (${texts.join(", ")})`;
  let lines = [line("have", given.map(namedText)), line("want", [...wanted.map(namedText), ...rest])];
  if (env.opa !== "1.17" && isTooWide(...lines)) {
    const left = given.map(shortText);
    const right = wanted.map(shortText);
    for (const [at, one] of given.slice(0, wanted.length).entries()) {
      const other = wanted[at] as Named;
      if (one.type !== null && unifies(one.type, other.type)) continue;
      [left[at], right[at]] = differingTexts(one, other);
    }
    lines = [line("have", left), line("want", [...right, ...rest])];
  }
  return {
    span,
    message: [`${operator}: ${problem}`, ...lines].join("\n\t"),
    ofUnknown: have.some(isUnknown),
  };
}
