// JSON read without loss. Nearly every body holds only numbers that a double keeps, so a scan of the text chooses
// plain JSON.parse; only text with a suspicious number (16 digits or more, a trailing zero after a point, an exponent)
// takes the reviver, which is five times slower, and turns what a double would change into a Decimal.

import type { Budget } from "./budget.ts";
import { numberOf } from "./decimal.ts";

/** The tree of JSON.parse, with a Decimal where a double would change the number. Throws SyntaxError as JSON.parse does. */
export function parseJson(text: string): unknown {
  return needsDecimals(text) ? parseLossless(text, reviver) : (JSON.parse(text) as unknown);
}

/** How many values a JSON text holds, about: as many as it has commas and opening brackets outside of strings. */
export function valuesIn(text: string): number {
  let count = 1;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === comma || unit === bracket || unit === brace) count++;
    else if (unit === quotes) at = closingQuotes(text, at);
  }
  return count;
}

const [comma, bracket, brace, quotes, backslash] = [0x2c, 0x5b, 0x7b, 0x22, 0x5c] as const;

function closingQuotes(text: string, opening: number): number {
  for (let at = text.indexOf('"', opening + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (text.charCodeAt(before - 1) === backslash) before--;
    if ((at - before) % 2 === 0) return at;
  }
  return text.length;
}

/** What an empty object takes, in bytes, with its place in a list. */
const bytesPerValue = 64;

/**
 * Charges what the tree of a JSON text will take, which may be twenty times the text. JSON.parse looks at no clock, and when it
 * fills the heap of a thread, the whole process ends. Throws LimitError.
 */
export function chargeJson(text: string, budget: Budget): void {
  budget.output(text.length);
  budget.output(valuesIn(text) * bytesPerValue);
}

/** Whether the text may hold a number that JSON.parse would change; strings that look so only cost time. */
export function needsDecimals(text: string): boolean {
  return (unusual.test(text) && suspicious.test(text)) || loneNumber.test(text);
}

// Every body is searched, so the first expression is the cheaper one: a number with a point, an exponent or 16 digits, or
// -0. Both look at a bounded number of characters behind each separator, so that no text makes them slow.
const unusual =
  /[:,[\s](?:-0[\s,\]}]|-?(?:\d{16}|\d{1,15}(?:\.(?:\d{9}|\d{1,8}[\s,\]}eE])|[eE][-+]?(?:\d{9}|\d{1,8}[\s,\]}]))))/;

// With fewer digits than in the third and fourth part, a number has at most 15, which a double keeps.
const suspicious =
  /[:,[\s-](?:\d{16}|\d{1,15}\.(?:\d{0,7}0[\s,\]}]|\d{9})|\d{8,15}\.\d|\d{1,15}(?:\.\d{1,8})?[eE]|0\.0{5})|[:,[\s]-0[\s,\]}]/;

const loneNumber = /^\s*-?\d/;

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** The reviver's third argument has no type in TypeScript 7 yet; Node 21 and newer pass it. */
const parseLossless = JSON.parse as (text: string, reviver: Reviver) => unknown;

const reviver: Reviver = (_key, value, context) =>
  typeof value === "number" && context.source !== undefined ? numberOf(context.source) : value;
