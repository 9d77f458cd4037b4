// A location says where a mutator changes an object: names of fields with dots between them, each followed by at most
// one choice of list elements: `spec.containers[name: *].env[name: "MY VAR"].value`. An element is chosen by a key and
// its value, a string or an integer of 64 bits; `*` chooses all that are there.
// Gatekeeper: pkg/mutation/path/parser.

import { type AnyNumber, numberOfInteger, numberText } from "@portcullis/lang";
import { type Token, type TokenKind, scan, tokenText } from "./scan.ts";

export type Step = FieldStep | ElementStep;

export interface FieldStep {
  readonly kind: "field";
  readonly name: string;
}

export interface ElementStep {
  readonly kind: "element";
  readonly key: string;
  /** Null: all elements. */
  readonly value: string | AnyNumber | null;
}

export type Location = readonly Step[];

/** A step is a function within a function, and a level of the objects. */
const mostSteps = 1000;

/** The steps of a location, or Gatekeeper's error text. The empty text has none. */
export function parseLocation(text: string): Location | { readonly error: string } {
  const tokens = scan(text);
  const steps: Step[] = [];
  let at = 0;
  const token = (ahead = 0): Token => tokens[Math.min(at + ahead, tokens.length - 1)] as Token;
  while (token().kind === "IDENT") {
    if (steps.length >= mostSteps) return { error: `a location of more than ${mostSteps} steps` };
    steps.push({ kind: "field", name: token().text });
    at++;
    if (token().kind === "LBRACKET") {
      const choice = parseChoice(tokens.slice(at + 1, at + 5));
      if ("error" in choice) return choice;
      steps.push(choice.step);
      at += 1 + choice.length;
    }
    if (token().kind === "SEPARATOR") {
      if (token(1).kind === "EOF") return { error: "trailing separators are forbidden" };
      at++;
    } else if (token().kind !== "EOF") {
      return unexpected("'.' or eof", token());
    }
  }
  return token().kind === "EOF" ? steps : unexpected("field name or eof", token());
}

interface Choice {
  readonly step: ElementStep;
  /** How many tokens it has behind the bracket. */
  readonly length: number;
}

/** `key: value]`, behind the bracket. */
function parseChoice(tokens: readonly Token[]): Choice | { readonly error: string } {
  const is = (at: number, kind: TokenKind): boolean => tokens[at]?.kind === kind;
  const [name, , value] = tokens;
  if (name?.kind !== "IDENT") return unexpected("keyField in listSpec", name);
  const key = name.text;
  if (!is(1, "COLON")) return unexpected(`':' following keyField ${key}`, tokens[1]);
  const chosen = valueOf(value, key);
  if (typeof chosen === "object" && chosen !== null && "error" in chosen) return chosen;
  if (!is(3, "RBRACKET")) return unexpected("']' following listSpec", tokens[3]);
  return { step: { kind: "element", key, value: chosen }, length: 4 };
}

function valueOf(token: Token | undefined, key: string): ElementStep["value"] | { readonly error: string } {
  if (token?.kind === "GLOB") return null;
  if (token?.kind === "IDENT") return token.text;
  if (token?.kind !== "INT") return unexpected("key value or glob in listSpec", token);
  const integer = parseInt64(token.text);
  if (integer !== null) return numberOfInteger(integer);
  return { error: `invalid integer: overflow in integer string: ${token.text}: parsing key value for key: ${key}` };
}

/** Digit by digit as Gatekeeper does, which sees an overflow only where it turns the number negative. */
function parseInt64(text: string): bigint | null {
  let value = 0n;
  for (const digit of text) {
    value = BigInt.asIntN(64, value * 10n + BigInt(digit));
    if (value < 0n) return null;
  }
  return value;
}

function unexpected(wanted: string, token: Token | undefined): { readonly error: string } {
  return { error: `unexpected token: expected ${wanted}, got: ${tokenText(token ?? { kind: "EOF", text: "" })}` };
}

// ── as text

export function locationText(location: Location): string {
  return location.map((step, at) => (step.kind === "field" && at > 0 ? "." : "") + stepText(step)).join("");
}

export function stepText(step: Step): string {
  if (step.kind === "field") return nameText(step.name);
  return `[${nameText(step.key)}: ${valueText(step.value)}]`;
}

function valueText(value: ElementStep["value"]): string {
  if (value === null) return "*";
  return typeof value === "string" ? nameText(value) : numberText(value);
}

/** In quotes where the scanner would not read it back as one name. */
function nameText(name: string): string {
  if (name === "") return '""';
  if (!/['"\t\n \\*[\]:.]|^[0-9]/.test(name)) return name;
  return `"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

export function sameStep(a: Step, b: Step): boolean {
  if (a.kind === "field" || b.kind === "field") return a.kind === b.kind && stepName(a) === stepName(b);
  // The text of a value tells an integer from the same digits in quotes.
  return a.key === b.key && valueText(a.value) === valueText(b.value) && (a.value === null) === (b.value === null);
}

/** The name of a field, the key of an element. */
export function stepName(step: Step): string {
  return step.kind === "field" ? step.name : step.key;
}

/** Whether the location starts at `metadata`. */
export function isMetadata([first]: Location): boolean {
  return first?.kind === "field" && first.name === "metadata";
}

/** Gatekeeper's text where the last step would change the key by which its element was chosen; null where not. */
export function keyChangeProblem(location: Location): string | null {
  const last = location.at(-1);
  const before = location.at(-2);
  if (last === undefined) return "empty path";
  if (before?.kind !== "element" || last.kind !== "field" || last.name !== before.key) return null;
  return "invalid path format: changing the item key is not allowed";
}
