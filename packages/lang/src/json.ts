// JSON read without loss. Nearly every body holds only numbers that a double keeps, so a scan of the text chooses
// plain JSON.parse; only text with a suspicious number (16 digits or more, a trailing zero after a point, an exponent)
// takes the reviver, which is five times slower, and turns what a double would change into a Decimal.

import { numberOf } from "./decimal.ts";

/** The tree of JSON.parse, with a Decimal where a double would change the number. Throws SyntaxError as JSON.parse does. */
export function parseJson(text: string): unknown {
  return needsDecimals(text) ? parseLossless(text, reviver) : (JSON.parse(text) as unknown);
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
