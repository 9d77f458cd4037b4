// The choice among many definitions by one scalar. Rules such as `multiple("Ki") := 1024` or `allowed if input.kind ==
// "Pod"` each begin with a test of the same value against a constant; when these constants are all different, at most one
// definition can hold, and one look into a Map finds it. OPA: v1/ast/index.go baseDocEqIndex.

import type { Complete, Definition, Expression, Operand, Plan, Statement } from "../ir.ts";
import type { Value } from "../runtime/value.ts";

/** Fewer definitions are tried one by one as quickly. */
const worth = 4;

export interface Choice {
  /** What is looked up: a parameter, or an expression that the definitions all begin with. */
  readonly subject: Expression;
  /** The constant of each definition. */
  readonly keys: readonly Operand[];
  /** How many statements of each definition the look-up stands for. */
  readonly skipped: number;
}

/** How to choose among the chains of a complete rule, when no two of them can hold. */
export function choiceOf(plan: Plan, body: Complete): Choice | null {
  if (body.chains.length < worth || !body.chains.every((chain) => chain.length === 1)) return null;
  const tests = body.chains.map(([definition]) => firstTest(plan, definition as Definition));
  const [first] = tests;
  if (!first || !tests.every((test) => test !== null && sameSubject(test.subject, first.subject))) return null;
  const found = tests as readonly FirstTest[];
  const keys = found.map(({ key }) => key);
  const constants = new Set(keys.map((key) => constantOf(plan, key)));
  if (constants.size !== keys.length) return null;
  return { subject: first.subject, keys, skipped: first.skipped };
}

interface FirstTest {
  readonly subject: Expression;
  readonly key: Operand;
  readonly skipped: number;
}

/**
 * `v == "x"` where v is a parameter, or was read from a path by a statement before; nothing but such statements may come
 * first, because they have no effect.
 */
function firstTest(plan: Plan, { block }: Definition): FirstTest | null {
  const read = new Map<number, Expression>();
  for (const [at, statement] of block.entries()) {
    const test = equality(plan, statement);
    if (test !== null && test.subject.kind === "local") {
      const path = read.get(test.subject.local);
      // Where statements come before it, it is tested once more: they may be read further on.
      return { subject: path ?? test.subject, key: test.key, skipped: at === 0 ? 1 : 0 };
    }
    if (statement.kind !== "let" || statement.value.kind !== "path") return null;
    // The look-up stands outside the definitions, so it may not need what they compute.
    const { base, keys } = statement.value;
    if ([base, ...keys].some((part) => part.kind === "local" && read.has(part.local))) return null;
    read.set(statement.local, statement.value);
  }
  return null;
}

function equality(plan: Plan, statement: Statement): { readonly subject: Operand; readonly key: Operand } | null {
  if (statement.kind !== "test" || statement.test.kind !== "equal" || statement.test.negated) return null;
  const { left, right } = statement.test;
  if (left.kind === "local" && isIdentical(constantOf(plan, right))) return { subject: left, key: right };
  return right.kind === "local" && isIdentical(constantOf(plan, left)) ? { subject: right, key: left } : null;
}

function constantOf(plan: Plan, operand: Operand): Value | undefined {
  return operand.kind === "constant" ? plan.constants[operand.constant] : undefined;
}

/** Values that a Map finds by what they are; numbers may be written in several ways. */
function isIdentical(value: Value | undefined): boolean {
  return typeof value === "string" || typeof value === "boolean" || value === null;
}

function sameSubject(a: Expression, b: Expression): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
