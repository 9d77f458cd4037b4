// Numbers, strings and template strings. A number keeps its text exactly as written; only its form and its size are
// checked. A template string alternates between two scanners: its text is continued after the `}` of each expression.

import { numberOf, spanOf } from "@portcullis/lang";
import type { Expr, Term } from "../ast.ts";
import { advance, advanceInTemplate, error, errorHere, kindOf, type Parser, spanHere, unexpected } from "./state.ts";

/** `1`, `-1`, `-.5`, `.5`. The place stays at the number's last token. OPA: parseNumber. */
export function number(p: Parser): Term | null {
  const { start } = p.place.token;
  let prefix = "";
  if (p.place.kind === "minus") {
    prefix = "-";
    advance(p);
    if (kindOf(p) !== "number" && kindOf(p) !== ".") return unexpectedNumber(p, "expected number");
  }
  if (p.place.kind === ".") {
    prefix += ".";
    advance(p);
    // `..` and `.x` are no numbers.
    if (kindOf(p) !== "number") return unexpectedNumber(p, "expected number");
  }
  const { text, end } = p.place.token;
  if (!prefix.endsWith(".") && /^0(?!$|\.|[eE].)/.test(text)) {
    return unexpectedNumber(p, "expected number without leading zero");
  }
  const written = prefix + text;
  const size = binarySize(written);
  if (Number.isNaN(size)) return unexpectedNumber(p, "invalid float");
  if (Math.abs(size) > largestBinaryExponent) {
    errorHere(p, "number too big");
    return null;
  }
  return { kind: "number", value: numberOf(written), span: spanOf(p.source, start, end) };
}

function unexpectedNumber(p: Parser, note: string): null {
  unexpected(p, note);
  return null;
}

/** OPA: v1/ast/term.go maxNumberExp. */
const largestBinaryExponent = 100_000;

/** About the binary exponent; not a number for `.1.2` and where the decimal exponent is beyond 64 bits, as in Go. */
function binarySize(text: string): number {
  const parts = /^-?0*((?:[1-9]\d*)?)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (parts === null) return Number.NaN;
  const [, whole = "", fraction = "", exponent = "0"] = parts;
  if (/^[+-]?\d{19,}$/.test(exponent)) return Number.NaN;
  const leading = whole === "" ? fraction.search(/[1-9]/) : 0;
  // Zero has no size, whatever its exponent.
  if (leading === -1) return 0;
  const decimals = whole === "" ? -leading : whole.length;
  return (decimals + Number(exponent)) * Math.log2(10);
}

/** OPA: parseString. */
export function string(p: Parser): Term | null {
  const { text } = p.place.token;
  const value = text.startsWith('"') ? unescaped(text) : text.slice(1, -1);
  if (value === null) {
    errorHere(p, `illegal string literal: ${text}`);
    return null;
  }
  return { kind: "string", value, span: spanHere(p) };
}

/** The value of a quoted string, null where an escape is wrong. Raw control characters pass unless something is escaped. */
function unescaped(quoted: string): string | null {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return (JSON.parse(quoted) as string).toWellFormed();
  } catch {
    return null;
  }
}

/** `$"a {x} b"` and with backquotes; the place stays at its last part. OPA: parseTemplateString. */
export function templateString(p: Parser, raw: boolean): Term | null {
  const { start } = p.place.token;
  if (p.version === "v0") {
    errorHere(p, "template strings are not supported by current capabilities");
    return null;
  }
  const parts: (string | Expr)[] = [];
  for (;;) {
    const { text } = p.place.token;
    const value = raw ? text.slice(1, -1) : unescaped(`"${text.slice(1, -1)}"`);
    if (value === null) {
      errorHere(p, `illegal template-string part: ${text}`);
      return null;
    }
    if (value !== "") parts.push(value);
    if (p.place.kind !== "template-string-part" && p.place.kind !== "raw-template-string-part") break;
    advance(p);
    const expr = templateExpression(p);
    if (expr === null) return null;
    parts.push(expr);
    advanceInTemplate(p, raw);
    // The text that goes on may be spoiled, which was reported.
    if (kindOf(p) === "illegal") return spoiled(p);
  }
  return { kind: "template-string", parts, multiLine: raw, span: spanOf(p.source, start, p.place.token.end) };
}

function spoiled(p: Parser): null {
  errorHere(p, "expected template-string part");
  return null;
}

/** The expression in braces, which must have a value. The place is then at its `}`. */
function templateExpression(p: Parser): Expr | null {
  const expr = p.grammar.literal(p);
  if (expr === null) {
    errorHere(p, "invalid template-string expression");
    return null;
  }
  const problem = withoutValue(expr);
  if (problem !== null) {
    error(p, expr.span.start, `unexpected ${problem} in template-string expression`);
    return null;
  }
  if (p.place.kind !== "}") {
    errorHere(p, "expected } to end template string expression");
    return null;
  }
  return expr;
}

/** What a literal is that cannot stand in a template string, null for one that can. */
function withoutValue(expr: Expr): string | null {
  if (expr.negated) return "negation ('not')";
  if (expr.kind === "every") return "'every'";
  if (expr.kind === "some") return "'some'";
  if (expr.kind !== "call" || expr.operator.path.length > 0 || expr.operator.head.kind !== "var") return null;
  if (expr.operator.head.name === "eq") return "unification ('=')";
  return expr.operator.head.name === "assign" ? "assignment (':=')" : null;
}
