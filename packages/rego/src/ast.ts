// The Rego tree as written. Nodes are frozen plain data with `kind` and `span`; phases make new trees, never write into
// one. The same shapes serve after phases 2 and 3, with fewer kinds in use: see `Checked` at the end.

import type { AnyNumber, Source, Span } from "@portcullis/lang";

export type RegoVersion = "v0" | "v1";

export interface Module {
  readonly source: Source;
  readonly version: RegoVersion;
  readonly package: Package;
  readonly imports: readonly Import[];
  readonly rules: readonly Rule[];
  readonly annotations: readonly Annotation[];
  readonly comments: readonly Comment[];
}

export interface Package {
  /** Always begins with `data`: `package a["b-c"]` is ["data", "a", "b-c"]. */
  readonly path: readonly string[];
  readonly span: Span;
}

export interface Import {
  /** `data.x`, `input.x`, `rego.v1`, `future.keywords.in`. */
  readonly path: RefTerm;
  readonly alias: string | null;
  readonly span: Span;
}

export interface Comment {
  readonly text: string;
  readonly span: Span;
}

/** A `# METADATA` block. `scope` as written or inferred; `values` is the YAML as a tree. */
export interface Annotation {
  readonly scope: "rule" | "document" | "package" | "subpackages" | "file";
  readonly values: Readonly<Record<string, unknown>>;
  readonly span: Span;
}

export interface Rule {
  readonly kind: "rule";
  readonly default: boolean;
  readonly head: Head;
  readonly body: Body;
  /** The next link of an `else` chain. Its head has the same reference and arguments. */
  readonly else: Rule | null;
  readonly annotations: readonly Annotation[];
  /** True for `p := 1` and `p contains 1` without a body; the body is then the one literal `true`. */
  readonly bodyless: boolean;
  readonly span: Span;
}

/**
 * What a rule defines. `p := 1`: value. `p contains k`: key, no value (a set). `p[k] := v`: the reference is `p[k]`,
 * key k, value v. `f(x) := v`: args and value. General heads (`p.q[x].r := v`) keep everything in `reference`;
 * `key` is then the last term for a partial object, and the contained term for a partial set. So `value === null` says
 * "set", and with a value `key` is the reference's last term (the same object) if it has two or more and no arguments.
 * OPA: v1/ast/policy.go Head.
 */
export interface Head {
  /** First is a var term (`p`), then terms: `p.q[x]` is [p, "q", x]. Relative to the package until phase 2. */
  readonly reference: readonly Term[];
  readonly args: readonly Term[] | null;
  readonly key: Term | null;
  readonly value: Term | null;
  /** Written with `:=`. */
  readonly assign: boolean;
  readonly span: Span;
}

export type Body = readonly Expr[];

// ── literals

interface ExprBase {
  /** `not` in front of it (legacy semantics; the block form is NotExpr). */
  readonly negated: boolean;
  readonly with: readonly With[];
  /** Made by a rewrite, not written by the user. */
  readonly generated: boolean;
  readonly span: Span;
}

export interface With {
  readonly target: Term;
  readonly value: Term;
  readonly span: Span;
}

/** A bare term as a literal: `input.x`, `true`, `[x | y]`. */
export interface TermExpr extends ExprBase {
  readonly kind: "term";
  readonly term: Term;
}

/** A call as a literal, operators included: `x := 1` is `assign(x, 1)`, `x = 1` `eq`, `x == 1` `equal`, `f(x)`, `f(x, out)`. */
export interface CallExpr extends ExprBase {
  readonly kind: "call";
  /** `["count"]`, `["data", "a", "f"]` after phase 2; head of the reference is a var. */
  readonly operator: RefTerm;
  readonly args: readonly Term[];
  /** Written with an operator or `in`: which changes how it is printed, not what it means. */
  readonly infix: boolean;
  /** An `eq` that phase 2 made of `:=`: its left side is only written, never read. */
  readonly assignment?: true;
}

/** `some x, y` (vars), or `some k, v in xs` (one call term of internal.member_2 or member_3). */
export interface SomeExpr extends ExprBase {
  readonly kind: "some";
  readonly symbols: readonly Term[];
}

export interface EveryExpr extends ExprBase {
  readonly kind: "every";
  readonly key: Term | null;
  readonly value: Term;
  readonly domain: Term;
  readonly body: Body;
}

/** `not { body }` and, under `future.keywords.not` or rego.v2, every `not`: true unless the body has a solution. */
export interface NotExpr extends ExprBase {
  readonly kind: "not";
  /** Written with braces: then the body is a scope of its own, which may declare variables. */
  readonly explicit: boolean;
  readonly body: Body;
}

/** `x and y`, `x or y` (rego.v2): no value, short-circuit, binds nothing outside. */
export interface LogicExpr extends ExprBase {
  readonly kind: "logic";
  readonly operator: "and" | "or";
  readonly left: Body;
  /** The side is written with braces, as in NotExpr. */
  readonly leftExplicit: boolean;
  readonly right: Body;
  readonly rightExplicit: boolean;
}

export type Expr = TermExpr | CallExpr | SomeExpr | EveryExpr | NotExpr | LogicExpr;

// ── terms

interface TermBase {
  readonly span: Span;
}

export interface NullTerm extends TermBase {
  readonly kind: "null";
}

export interface BooleanTerm extends TermBase {
  readonly kind: "boolean";
  readonly value: boolean;
}

export interface NumberTerm extends TermBase {
  readonly kind: "number";
  readonly value: AnyNumber;
}

export interface StringTerm extends TermBase {
  readonly kind: "string";
  readonly value: string;
}

/** A wildcard `_` is a var of its own: `$0`, `$1`, … in the order of the module, as in OPA. Phase 2 makes `__local0__` names. */
export interface VarTerm extends TermBase {
  readonly kind: "var";
  readonly name: string;
}

/**
 * `x.a[b]`: head x (a var, or any term: `f(x)[0]`, `[1,2][i]`), path ["a", b]. The path is empty only where OPA's is:
 * for the bare root documents `input` and `data` (wherever they stand) and for operators of calls (`count`).
 */
export interface RefTerm extends TermBase {
  readonly kind: "ref";
  readonly head: Term;
  readonly path: readonly Term[];
}

export interface ArrayTerm extends TermBase {
  readonly kind: "array";
  readonly items: readonly Term[];
}

export interface SetTerm extends TermBase {
  readonly kind: "set";
  readonly items: readonly Term[];
}

export interface ObjectTerm extends TermBase {
  readonly kind: "object";
  readonly entries: readonly (readonly [key: Term, value: Term])[];
}

export interface ArrayComprehension extends TermBase {
  readonly kind: "array-comprehension";
  readonly term: Term;
  readonly body: Body;
}

export interface SetComprehension extends TermBase {
  readonly kind: "set-comprehension";
  readonly term: Term;
  readonly body: Body;
}

export interface ObjectComprehension extends TermBase {
  readonly kind: "object-comprehension";
  readonly key: Term;
  readonly value: Term;
  readonly body: Body;
}

export interface CallTerm extends TermBase {
  readonly kind: "call";
  readonly operator: RefTerm;
  readonly args: readonly Term[];
  readonly infix: boolean;
}

/** `$"a {x}"`: strings and expressions in order. An undefined expression prints `<undefined>`. */
export interface TemplateStringTerm extends TermBase {
  readonly kind: "template-string";
  readonly parts: readonly (string | Expr)[];
  readonly multiLine: boolean;
}

export type Scalar = NullTerm | BooleanTerm | NumberTerm | StringTerm;
export type Comprehension = ArrayComprehension | SetComprehension | ObjectComprehension;
export type Term =
  | Scalar
  | VarTerm
  | RefTerm
  | ArrayTerm
  | SetTerm
  | ObjectTerm
  | Comprehension
  | CallTerm
  | TemplateStringTerm;

// ── after phases 2 and 3

/**
 * What phase 3 hands to phase 4. In it
 * - every reference to a rule or base document starts with the var `data` or `input`, imports are gone;
 * - local vars have unique names within a module (`__local3__`), `some` is gone, wildcards keep `$n`;
 * - rule heads carry their full path (`data.pkg.p`, then terms) in `reference`;
 * - calls nested in terms, and references below calls, are hoisted in front as generated `eq` literals where OPA hoists
 *   them (rego.md §1.4 point 2 depends on it); template strings are calls of internal.template_string;
 * - bodies are ordered so that every literal finds its inputs bound (also bodies of comprehensions, every, not);
 * - assignments (`:=`) are `eq` literals.
 */
export interface Checked {
  readonly modules: readonly Module[];
  readonly query: CheckedQuery | null;
  readonly annotations: readonly Annotation[];
  /** Every local that phase 2 named, with the variable as the user wrote it; made-up locals are not in it. */
  readonly written: ReadonlyMap<string, string>;
}

export interface CheckedQuery {
  readonly body: Body;
  /** User-visible variables of the query in order of appearance: name as written → name in `body`. */
  readonly variables: ReadonlyMap<string, string>;
}
