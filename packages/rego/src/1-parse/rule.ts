// Rules: a head, an optional body, `else` links, and in old texts further bodies, each a rule of its own. What a head
// `p[x]` means depends on what follows it: with `if` or a value it is an object, else a set. Where no rule parses and
// nothing was reported, the caller tries a plain body, since `p = 1` and `p[1]` are rules too (statement.ts).
// OPA: parseRules, parseHead, parseHeadFinish, parseElse, validateDefaultRuleValue, validateDefaultRuleArgs.

import { type Span, spanOf } from "@portcullis/lang";
import type { Body, Expr, Head, RefTerm, Rule, Term } from "../ast.ts";
import { isWildcard, rewriteHead, walkTerm } from "../visit.ts";
import { body, literal } from "./body.ts";
import { kindText } from "./keyword.ts";
import type { TokenKind } from "./lexer.ts";
import {
  advance,
  advanceToSpace,
  error,
  errorHere,
  kindOf,
  newWildcard,
  type Parser,
  spanFrom,
  spanHere,
  takeKeywordOfRef,
  unexpected,
  variableHere,
} from "./state.ts";
import { infix, isRefStart, reference, rootOrSame } from "./term.ts";
import { referenceText, termText, valueName } from "./text.ts";

/** A rule with what the checks of v1 need to know about how it was written. */
export interface WrittenRule {
  readonly rule: Rule;
  readonly links: readonly RuleForm[];
}

/** One link of an `else` chain. */
export interface RuleForm {
  readonly span: Span;
  readonly head: Head;
  readonly default: boolean;
  readonly hasIf: boolean;
  readonly hasContains: boolean;
  /** No value was written. */
  readonly impliedValue: boolean;
  /** No body was written, and OPA knows it. */
  readonly impliedBody: boolean;
}

/** A head while it is read. */
interface Draft {
  reference: readonly Term[];
  readonly args: readonly Term[] | null;
  key: Term | null;
  value: Term | null;
  readonly assign: boolean;
  impliedValue: boolean;
  readonly contains: boolean;
  span: Span;
}

interface Link extends RuleForm {
  readonly body: Body;
  readonly bodyless: boolean;
}

/** The rules of one statement; null without an error where it is none. */
export function rules(p: Parser): WrittenRule[] | null {
  const { start } = p.place.token;
  takeKeywordOfRef(p);
  const isDefault = p.place.kind === "default";
  if (isDefault) {
    advance(p);
    takeKeywordOfRef(p);
  }
  if (kindOf(p) !== "identifier") {
    if (isDefault) keywordAsName(p, true);
    return null;
  }
  const draft = head(p, isDefault);
  if (draft === null) return null;
  if (isDefault) return defaultRule(p, draft, start);
  const hasIf = p.place.kind === "if";
  if (!settleKind(draft, hasIf)) return null;
  const block = ruleBody(p, draft, { hasIf, start });
  if (block === null) return null;
  const first: Link = {
    ...form(draft, { span: spanFrom(p, start), hasIf }),
    body: block.body,
    bodyless: block.implied,
    impliedBody: block.implied,
  };
  if (block.implied) return [written([first])];
  const others = p.place.kind === "else" ? elseLinks(p, draft) : [];
  if (others === null) return null;
  const whole = { ...first, span: spanFrom(p, start) };
  const more = furtherBodies(p, draft, { hasIf, chained: others.length > 0 });
  return more === null ? null : [written([whole, ...others]), ...more];
}

function form(draft: Draft, { span, hasIf }: { span: Span; hasIf: boolean }): RuleForm {
  const { contains: hasContains, impliedValue } = draft;
  return { span, head: headOf(draft), default: false, hasIf, hasContains, impliedValue, impliedBody: false };
}

function headOf({ reference: terms, args, key, value, assign, span }: Draft): Head {
  const last = terms.length > 1 && args === null ? (terms.at(-1) ?? null) : null;
  // `f() = 1` defines no function: OPA calls only what takes arguments one.
  const taken = args !== null && args.length === 0 ? null : args;
  return { reference: terms, args: taken, key: value === null ? key : last, value, assign, span };
}

function written(links: readonly Link[]): WrittenRule {
  let rule: Rule | null = null;
  for (const link of links.toReversed()) rule = ruleOf(link, rule);
  if (rule === null) throw new RangeError("a rule has at least one link");
  return { rule, links };
}

function ruleOf(link: Link, next: Rule | null): Rule {
  const { head: made, body: literals, bodyless, span } = link;
  return {
    kind: "rule",
    default: link.default,
    head: made,
    body: literals,
    else: next,
    annotations: [],
    bodyless,
    span,
  };
}

/** A rule made from a plain body, whose value or body may be implied. */
export function ruleWithoutBody(
  made: Head,
  { span, impliedValue }: { span: Span; impliedValue: boolean },
): WrittenRule {
  const how = { default: false, hasIf: false, hasContains: false, impliedValue, impliedBody: true, bodyless: true };
  return written([{ span, head: made, body: trueBody(made.value?.span ?? span), ...how }]);
}

/** The literal `true`, which a rule without a body has. */
function trueBody(span: Span): Body {
  const term = { kind: "boolean", value: true, span } as const;
  return [{ kind: "term", term, negated: false, with: [], generated: true, span }];
}

// ── heads

/** OPA: keywordRuleNameFollowers. What follows a keyword and makes the statement a rule by that name. */
const nameFollowers: readonly TokenKind[] = ["assign", "eq", "if", "contains", "("];
const operatorFollowers: readonly TokenKind[] = ["assign", "eq", "if", "contains"];
const pathFollowers: readonly TokenKind[] = ["assign", "eq", "("];
const keywordFollowers: ReadonlyMap<TokenKind, readonly TokenKind[]> = new Map<TokenKind, readonly TokenKind[]>([
  ["every", nameFollowers],
  ["if", nameFollowers],
  ["in", nameFollowers],
  ["some", nameFollowers],
  ["as", nameFollowers],
  ["package", pathFollowers],
  ["import", pathFollowers],
  ["not", operatorFollowers],
  ["logical-and", operatorFollowers],
  ["logical-or", operatorFollowers],
  ["contains", ["if", "contains"]],
]);

/** Reports a rule that is named by a keyword. After `default` only a rule can follow, so nothing is looked at there. */
export function keywordAsName(p: Parser, isDefault: boolean): boolean {
  const { place } = p;
  const followers = keywordFollowers.get(place.kind);
  if (followers === undefined || p.options.opa === "1.17") return false;
  if (!isDefault) {
    advance(p);
    const next = p.place.kind;
    p.place = place;
    if (!followers.includes(next)) return false;
  }
  errorHere(p, `${kindText(place.kind)} keyword cannot be used for rule name`);
  return true;
}

function head(p: Parser, isDefault: boolean): Draft | null {
  const { start } = p.place.token;
  const named = headReference(p, variableHere(p));
  if (named === null) {
    unexpected(p, "expected rule head name");
    return null;
  }
  const shape = headShape(p, named);
  if (shape === null) return null;
  const { kind } = p.place;
  if (kind === "contains") return containsHead(p, shape, start);
  const assign = kind === "assign";
  const hasValue = assign || kind === "eq";
  if (hasValue) advance(p);
  const value = hasValue ? infix(p) : null;
  if (hasValue && value === null) unexpected(p, missingValue(shape, assign, isDefault));
  const span = spanFrom(p, start);
  const draft: Draft = { ...shape, key: null, value, assign, impliedValue: false, contains: false, span };
  if (value === null && (shape.reference.length !== 2 || hasArguments(draft))) implyTrue(draft);
  return draft;
}

interface Shape {
  readonly reference: readonly Term[];
  readonly args: readonly Term[] | null;
}

function hasArguments({ args }: Shape): boolean {
  return args !== null && args.length > 0;
}

function implyTrue(draft: Draft): void {
  draft.impliedValue = true;
  draft.value = { kind: "boolean", value: true, span: draft.span };
}

function headReference(p: Parser, name: Term): Term | null {
  advanceToSpace(p);
  if (operators.has(p.place.kind)) unexpected(p);
  else if (p.place.kind === "whitespace") advance(p);
  return isRefStart(p.place.kind) ? reference(p, name) : rootOrSame(name);
}

const operators: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "plus",
  "minus",
  "mul",
  "div",
  "rem",
  "and",
  "or",
  "equal",
  "neq",
  "gt",
  "gte",
  "lt",
  "lte",
]);

/** What is defined: a name, a reference or a call of either. */
function headShape(p: Parser, named: Term): Shape | null {
  if (named.kind === "var") return { reference: [named], args: null };
  if (named.kind === "ref") return { reference: [named.head, ...named.path], args: null };
  return named.kind === "call" ? functionShape(p, named.operator, named.args) : null;
}

function functionShape(p: Parser, operator: RefTerm, args: readonly Term[]): Shape | null {
  if (operator.head.kind === "var") return { reference: [operator.head, ...operator.path], args };
  unexpected(p, `rule head ref ${termText(operator)} invalid`);
  return null;
}

/** `p contains x`. */
function containsHead(p: Parser, shape: Shape, start: number): Draft {
  const example = `(e.g., ${referenceText(shape.reference)} contains <VALUE> { ... })`;
  if (shape.args !== null) {
    unexpected(p, `the contains keyword can only be used with multi-value rule definitions ${example}`);
  }
  advance(p);
  const key = infix(p);
  if (key === null) unexpected(p, `expected rule key term ${example}`);
  const span = spanFrom(p, start);
  return { ...shape, key, value: null, assign: false, impliedValue: false, contains: true, span };
}

function missingValue(shape: Shape, assign: boolean, isDefault: boolean): string {
  const name = referenceText(shape.reference);
  if (!assign) return `expected rule value term (e.g., ${name}[<nil>] = <VALUE> { ... })`;
  if (hasArguments(shape)) return `expected function value term (e.g., ${name}(...) := <VALUE> { ... })`;
  return isDefault
    ? `expected default rule value term (e.g., default ${name} := <VALUE>)`
    : `expected rule value term (e.g., ${name} := <VALUE> { ... })`;
}

/** Whether `p[x]` is a set or an object. False where it cannot be a rule at all. */
function settleKind(draft: Draft, hasIf: boolean): boolean {
  const [name, last] = draft.reference;
  if (draft.contains || draft.reference.length !== 2 || last === undefined) return true;
  if (hasIf) {
    if (!hasArguments(draft) && isOpen(last)) draft.key = last;
    if (draft.value === null) implyTrue(draft);
    else if (name?.kind !== "var") return false;
    return true;
  }
  if (hasArguments(draft)) return true;
  if (name?.kind !== "var") return false;
  draft.key = last;
  if (draft.value === null) draft.reference = [name];
  return true;
}

/** Whether a step of a reference is not fixed by its text: it has a variable or is a reference. */
function isOpen(step: Term): boolean {
  return step.kind === "ref" || !isGround(step);
}

/** No variable in it; comprehensions count as ground, references by their path. OPA: Value.IsGround. */
function isGround(term: Term): boolean {
  let ground = true;
  walkTerm(term, {
    term: (part) => {
      if (part.kind === "var") ground = false;
      if (part.kind === "ref") ground &&= part.path.every(isGround);
      return part.kind === "ref" || part.kind.endsWith("comprehension") ? false : undefined;
    },
  });
  return ground;
}

// ── bodies

interface Block {
  readonly body: Body;
  readonly implied: boolean;
}

/** `if literal`, `if { … }`, `{ … }`, or nothing behind `contains`. */
function ruleBody(p: Parser, draft: Draft, { hasIf, start }: { hasIf: boolean; start: number }): Block | null {
  if (hasIf) {
    const single = ifLiteral(p);
    if (single === "error") return null;
    if (single !== "braces") return { body: [single], implied: false };
  }
  if (p.place.kind === "{") {
    const literals = braces(p);
    return literals === null ? null : { body: literals, implied: false };
  }
  return draft.contains && !hasIf ? { body: trueBody(spanOf(p.source, start, draft.span.end)), implied: true } : null;
}

function braces(p: Parser): Body | null {
  advance(p);
  const literals = body(p, "}");
  if (literals !== null) advance(p);
  return literals;
}

/** What follows `if`: a literal. `{` opens a body unless a literal parses there that is not just a set. */
function ifLiteral(p: Parser): Expr | "braces" | "error" {
  advance(p);
  const saved = p.place;
  const braced = saved.kind === "{";
  const single = literal(p);
  // A set is never false, so `{true}` is the body and not the set.
  if (single !== null && !(braced && single.kind === "term" && single.term.kind === "set")) return single;
  if (!braced) return "error";
  p.place = saved;
  return "braces";
}

interface BodiesStart {
  readonly hasIf: boolean;
  readonly chained: boolean;
}

/** `p { a } { b }`: each further body is a rule with the same head. */
function furtherBodies(p: Parser, draft: Draft, { hasIf, chained }: BodiesStart): WrittenRule[] | null {
  const made: WrittenRule[] = [];
  while (p.place.kind === "{") {
    if (chained) {
      errorHere(p, "expected else keyword");
      return null;
    }
    const { start } = p.place.token;
    const literals = braces(p);
    if (literals === null) return null;
    const span = spanFrom(p, start);
    const copy: Draft = { ...draft, args: freshArguments(p, draft.args) };
    const link = form(copy, { span, hasIf });
    made.push(written([{ ...link, head: movedHead(link.head, span), body: literals, bodyless: false }]));
  }
  return made;
}

/** The head as if it were written at another place: what is wrong with it there is reported there. */
function movedHead(copied: Head, span: Span): Head {
  return { ...rewriteHead(copied, { term: (term, descend) => ({ ...descend(term), span }) }), span };
}

/** Arguments for another rule with the same head: every `_` is another one. */
function freshArguments(p: Parser, args: readonly Term[] | null): readonly Term[] | null {
  if (args === null) return null;
  return args.map((arg) => (arg.kind === "var" && isWildcard(arg.name) ? newWildcard(p, arg.span) : arg));
}

// ── else

/** At `else`: the links from here on; none where `else` begins the next rule's name (`else.x := 1`). */
function elseLinks(p: Parser, draft: Draft): Link[] | null {
  if (takeKeywordOfRef(p)) return [];
  if (draft.reference.length > 1 && !draft.reference.slice(1).every(isGround)) {
    errorHere(p, "else keyword cannot be used on rules with variables in head");
    return null;
  }
  if (draft.key !== null) {
    errorHere(p, "else keyword cannot be used on multi-value rules");
    return null;
  }
  const links: Link[] = [];
  while (p.place.kind === "else") {
    const link = elseLink(p, draft);
    if (link === null) return null;
    links.push(link);
    if (link.impliedBody) break;
  }
  return links;
}

function elseLink(p: Parser, first: Draft): Link | null {
  const { start } = p.place.token;
  const draft: Draft = { ...first, args: freshArguments(p, first.args), impliedValue: false, span: spanHere(p) };
  const withValue = elseValue(p, draft);
  if (withValue === null) return null;
  const hasIf = p.place.kind === "if";
  if (!hasIf && p.place.kind !== "{") {
    const span = spanFrom(p, start);
    const made = form(withValue, { span, hasIf });
    return { ...made, body: trueBody(span), bodyless: true, impliedBody: true };
  }
  if (hasIf) advance(p);
  const literals = elseBody(p);
  if (literals === null) return null;
  return { ...form(withValue, { span: spanFrom(p, start), hasIf }), body: literals, bodyless: false };
}

/** At `else`: the head of its link with the value that it gives. */
function elseValue(p: Parser, draft: Draft): Draft | null {
  const { start } = p.place.token;
  advance(p);
  const { kind } = p.place;
  if (kind === "{" || kind === "if") {
    const value = { kind: "boolean", value: true, span: draft.span } as const;
    return { ...draft, value, impliedValue: true };
  }
  if (kind !== "assign" && kind !== "eq") {
    unexpected(p, "expected else value term or rule body");
    return null;
  }
  advance(p);
  const value = infix(p);
  return value === null ? null : { ...draft, value, assign: kind === "assign", span: spanFrom(p, start) };
}

function elseBody(p: Parser): Body | null {
  if (p.place.kind === "{") return braces(p);
  if (p.place.kind === "eof") {
    unexpected(p, "rule body expected");
    return null;
  }
  const single = literal(p);
  return single === null ? null : [single];
}

// ── default

function defaultRule(p: Parser, draft: Draft, start: number): WrittenRule[] | null {
  const span = spanFrom(p, start);
  const { value, args } = draft;
  if (draft.value === null || draft.contains) {
    error(p, start, "illegal default rule (must have a value)");
    return null;
  }
  if (value !== null && !isDefaultValue(p, value, start)) return null;
  if (args !== null && !areDefaultArguments(p, args, start)) return null;
  const made = { ...form(draft, { span, hasIf: false }), default: true };
  return [written([{ ...made, body: trueBody(span), bodyless: true }])];
}

/** Only constants and comprehensions; each offence is reported at the rule. */
function isDefaultValue(p: Parser, value: Term, start: number): boolean {
  let valid = true;
  walkTerm(value, {
    term: (part) => {
      if (part.kind.endsWith("comprehension")) return false;
      if (part.kind !== "ref" && part.kind !== "var" && part.kind !== "call") return undefined;
      error(p, start, `illegal default rule (value cannot contain ${part.kind})`);
      valid = false;
      return false;
    },
  });
  return valid;
}

function areDefaultArguments(p: Parser, args: readonly Term[], start: number): boolean {
  const seen = new Set<string>();
  let valid = true;
  for (const arg of args) {
    if (arg.kind === "var" && !seen.has(arg.name)) {
      seen.add(arg.name);
      continue;
    }
    const offence = arg.kind === "var" ? `be repeated ${arg.name}` : `contain ${valueName(arg)}`;
    error(p, start, `illegal default rule (arguments cannot ${offence})`);
    valid = false;
  }
  return valid;
}
