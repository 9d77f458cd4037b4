// The rules of the language. Where operators have operands of the same rule, the rule is a loop, as ANTLR makes of it: the
// first operand, then operators that bind at least as strongly as asked for. cel-go: parser/gen/CEL.g4.

import { token } from "../token.ts";
import type { TokenKind } from "../token.ts";
import { type Part, type RuleName, buildNetwork } from "./network.ts";

const one = (...tokens: readonly TokenKind[]): Part => ({ kind: "tokens", tokens });
const rule = (name: RuleName, precedence = 0): Part => ({ kind: "rule", rule: name, precedence });
const sequence = (...parts: readonly Part[]): Part => ({ kind: "sequence", parts });
const optional = (...parts: readonly Part[]): Part => ({ kind: "optional", part: sequence(...parts) });
const choice = (...parts: readonly Part[]): Part => ({ kind: "choice", parts, far: true });
const any = (...parts: readonly Part[]): Part => ({ kind: "any", part: sequence(...parts), far: false });
const anyFar = (part: Part): Part => ({ kind: "any", part, far: true });
const binding = (precedence: number, ...parts: readonly Part[]): Part =>
  sequence({ kind: "precedence", precedence }, ...parts);

const relationOperators = [
  token.less,
  token.lessEquals,
  token.greaterEquals,
  token.greater,
  token.equals,
  token.notEquals,
  token.in,
];

const grammar: Readonly<Record<RuleName, Part>> = {
  start: sequence(rule("expr"), one(token.end)),
  expr: sequence(
    rule("conditionalOr"),
    optional(one(token.question), rule("conditionalOr"), one(token.colon), rule("expr")),
  ),
  conditionalOr: sequence(rule("conditionalAnd"), any(one(token.or), rule("conditionalAnd"))),
  conditionalAnd: sequence(rule("relation"), any(one(token.and), rule("relation"))),
  relation: sequence(rule("calc"), anyFar(binding(1, one(...relationOperators), rule("relation", 2)))),
  calc: sequence(
    rule("unary"),
    anyFar(
      choice(
        binding(2, one(token.star, token.slash, token.percent), rule("calc", 3)),
        binding(1, one(token.plus, token.minus), rule("calc", 2)),
      ),
    ),
  ),
  unary: choice(
    rule("member"),
    sequence({ kind: "many", part: one(token.not), far: false }, rule("member")),
    sequence({ kind: "many", part: one(token.minus), far: true }, rule("member")),
  ),
  member: sequence(
    rule("primary"),
    anyFar(
      choice(
        binding(3, one(token.dot), optional(one(token.question)), rule("escapeIdent")),
        binding(
          2,
          one(token.dot),
          one(token.identifier),
          one(token.openParenthesis),
          optional(rule("exprList")),
          one(token.closeParenthesis),
        ),
        binding(1, one(token.openBracket), optional(one(token.question)), rule("expr"), one(token.closeBracket)),
      ),
    ),
  ),
  primary: choice(
    sequence(optional(one(token.dot)), one(token.identifier)),
    sequence(
      optional(one(token.dot)),
      one(token.identifier),
      one(token.openParenthesis),
      optional(rule("exprList")),
      one(token.closeParenthesis),
    ),
    sequence(one(token.openParenthesis), rule("expr"), one(token.closeParenthesis)),
    sequence(one(token.openBracket), optional(rule("listInit")), optional(one(token.comma)), one(token.closeBracket)),
    sequence(
      one(token.openBrace),
      optional(rule("mapInitializerList")),
      optional(one(token.comma)),
      one(token.closeBrace),
    ),
    sequence(
      optional(one(token.dot)),
      one(token.identifier),
      any(one(token.dot), one(token.identifier)),
      one(token.openBrace),
      optional(rule("fieldInitializerList")),
      optional(one(token.comma)),
      one(token.closeBrace),
    ),
    rule("literal"),
  ),
  exprList: sequence(rule("expr"), any(one(token.comma), rule("expr"))),
  listInit: sequence(rule("optExpr"), anyFar(sequence(one(token.comma), rule("optExpr")))),
  fieldInitializerList: sequence(
    rule("optField"),
    one(token.colon),
    rule("expr"),
    anyFar(sequence(one(token.comma), rule("optField"), one(token.colon), rule("expr"))),
  ),
  optField: sequence(optional(one(token.question)), rule("escapeIdent")),
  mapInitializerList: sequence(
    rule("optExpr"),
    one(token.colon),
    rule("expr"),
    anyFar(sequence(one(token.comma), rule("optExpr"), one(token.colon), rule("expr"))),
  ),
  escapeIdent: { kind: "choice", parts: [one(token.identifier), one(token.escapedIdentifier)], far: false },
  optExpr: sequence(optional(one(token.question)), rule("expr")),
  literal: choice(
    sequence(optional(one(token.minus)), one(token.int)),
    one(token.uint),
    sequence(optional(one(token.minus)), one(token.double)),
    one(token.string),
    one(token.bytes),
    one(token.true),
    one(token.false),
    one(token.null),
  ),
};

export const network = buildNetwork(grammar);
