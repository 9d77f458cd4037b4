// JSON as Go's encoding/json reads and writes it: the texts of its errors byte by byte, `<`, `>`, `&`, U+2028 and U+2029
// escaped, keys sorted by code points. Reading goes through JSON.parse; only text that it refuses is scanned again, to
// say what Go says. Go: encoding/json scanner.go, decode.go, encode.go.

import { quote } from "./quote.ts";
import { encodeUtf8 } from "./utf8.ts";

/** Go's limit on nesting. */
const depthMax = 10_000;

type DecodedJson = { readonly value: unknown } | { readonly error: string };

/** The tree of a JSON text with plain doubles, or Go's error. Go: json.Unmarshal into an interface. */
export function decodeJson(text: string): DecodedJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { error: scan(text) ?? "unexpected end of JSON input" };
  }
  if (text.length >= depthMax && (text.match(/[[{]/g)?.length ?? 0) > depthMax) {
    const error = scan(text);
    if (error !== null) return { error };
  }
  const wrong = outOfRange(text);
  if (wrong !== null) return { error: `json: cannot unmarshal number ${wrong} into Go value of type float64` };
  return { value: mayHoldSurrogates(text) ? wellFormed(value) : value };
}

/** The first number that has no double. */
function outOfRange(text: string): string | null {
  if (!/\d[eE]\+?\d{2}|\d{300}/.test(text)) return null;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)) {
    if (!token.startsWith('"') && !Number.isFinite(Number(token))) return token;
  }
  return null;
}

function mayHoldSurrogates(text: string): boolean {
  return /\\u[dD][89a-fA-F]/.test(text) || !text.isWellFormed();
}

/** Go reads an unpaired surrogate as U+FFFD. */
function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(wellFormed);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item)]));
}

/** A string in quotes with Go's escapes. */
export function encodeText(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

// ── what is wrong with a text

type State = "value" | "valueOrEnd" | "key" | "keyOrEnd" | "colon" | "after";

const beginnings: Readonly<Record<Exclude<State, "colon" | "after">, string>> = {
  value: "looking for beginning of value",
  valueOrEnd: "looking for beginning of value",
  key: "looking for beginning of object key string",
  keyOrEnd: "looking for beginning of object key string",
};

interface Scanner {
  readonly text: string;
  at: number;
  state: State;
  readonly open: string[];
}

/** Go's complaint about the first character that cannot stand where it stands; null where only the end is missing. */
function scan(text: string): string | null {
  const scanner: Scanner = { text, at: 0, state: "value", open: [] };
  for (;;) {
    while (/[ \t\r\n]/.test(text.charAt(scanner.at))) scanner.at++;
    if (scanner.at >= text.length) return null;
    const error = scanToken(scanner);
    if (error !== null) return error;
  }
}

function scanToken(scanner: Scanner): string | null {
  const { text, at, state, open } = scanner;
  const character = text.charAt(at);
  const inArray = open.at(-1) === "[";
  if (state === "after") return scanAfter(scanner, character, inArray);
  if (state === "colon") {
    if (character !== ":") return badCharacter(text, at, "after object key");
    return advance(scanner, "value");
  }
  if ((state === "valueOrEnd" && character === "]") || (state === "keyOrEnd" && character === "}")) {
    open.pop();
    return advance(scanner, "after");
  }
  const isKey = state === "key" || state === "keyOrEnd";
  if (!isKey && (character === "[" || character === "{")) {
    open.push(character);
    if (open.length > depthMax) return "exceeded max depth";
    return advance(scanner, character === "[" ? "valueOrEnd" : "keyOrEnd");
  }
  if (isKey && character !== '"') return badCharacter(text, at, beginnings[state]);
  const end = scanScalar(text, at);
  if (typeof end === "string") return end;
  scanner.at = end;
  scanner.state = isKey ? "colon" : "after";
  return null;
}

function scanAfter(scanner: Scanner, character: string, inArray: boolean): string | null {
  const { text, at, open } = scanner;
  if (open.length === 0) return badCharacter(text, at, "after top-level value");
  if (character === (inArray ? "]" : "}")) {
    open.pop();
    return advance(scanner, "after");
  }
  if (character === ",") return advance(scanner, inArray ? "value" : "key");
  return badCharacter(text, at, inArray ? "after array element" : "after object key:value pair");
}

function advance(scanner: Scanner, state: State): null {
  scanner.at++;
  scanner.state = state;
  return null;
}

/** The end of a scalar, or what is wrong with it. */
function scanScalar(text: string, at: number): number | string {
  const character = text.charAt(at);
  if (character === '"') return scanString(text, at + 1);
  if (/[-\d]/.test(character)) return scanNumber(text, at);
  const literal = ["true", "false", "null"].find((word) => word.startsWith(character));
  if (literal === undefined) return badCharacter(text, at, beginnings.value);
  for (let next = 1; next < literal.length; next++) {
    if (text[at + next] !== literal[next]) {
      return badCharacter(text, at + next, `in literal ${literal} (expecting '${literal.charAt(next)}')`);
    }
  }
  return at + literal.length;
}

function scanString(text: string, from: number): number | string {
  for (let at = from; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') return at + 1;
    if (character < " ") return badCharacter(text, at, "in string literal");
    if (character !== "\\") continue;
    at++;
    const escape = text.charAt(at);
    if (escape === "u") {
      for (const last = at + 4; at < last;) {
        at++;
        if (at < text.length && !/[0-9a-fA-F]/.test(text.charAt(at))) {
          return badCharacter(text, at, String.raw`in \u hexadecimal character escape`);
        }
      }
    } else if (escape !== "" && !'"\\/bfnrt'.includes(escape)) {
      return badCharacter(text, at, "in string escape code");
    }
  }
  return text.length;
}

function scanNumber(text: string, from: number): number | string {
  number.lastIndex = from;
  const end = from + (number.exec(text)?.[0].length ?? 0);
  const read = text.slice(from, end);
  if (/[eE][+-]?$/.test(read)) return badCharacter(text, end, "in exponent of numeric literal");
  if (read.endsWith(".")) return badCharacter(text, end, "after decimal point in numeric literal");
  return read === "-" ? badCharacter(text, end, "in numeric literal") : end;
}

/** As much of a number as there is. */
const number = /-?(?:(?:0|[1-9]\d*)(?:\.\d*)?(?:(?<!\.)[eE][+-]?\d*)?)?/y;

/** Go complains about a byte, in quotes of its own; the end of the text counts as a space. */
function badCharacter(text: string, at: number, context: string): string {
  const byte = encodeUtf8(String.fromCodePoint(text.codePointAt(at) ?? 0x20))[0] as number;
  const character = String.fromCharCode(byte);
  const shown = character === "'" ? "\\'" : character === '"' ? '"' : quote(character).slice(1, -1);
  return `invalid character '${shown}' ${context}`;
}
