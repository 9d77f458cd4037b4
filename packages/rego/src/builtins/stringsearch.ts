// Searching in strings, and cutting and replacing where something was found. Whoever searches has checked and charged the
// operands; here the search itself is charged as it goes, so that long texts can be interrupted.
// OPA: v1/topdown/strings.go.

import { type Search, searchFor } from "@portcullis/lang/go";
import type { Value } from "../runtime/value.ts";
import type { BuiltinCall } from "./builtin.ts";

/** Cutting a text costs as much as so many steps for each place. */
const stepsPerPlace = 4;

function search(call: BuiltinCall, text: string, part: string): Search {
  return searchFor(part, text, (units) => {
    call.budget.step(units >> 2);
  });
}

export function contains(call: BuiltinCall, text: string, part: string): boolean {
  return part === "" || search(call, text, part).next(0) !== -1;
}

export function indexOf(call: BuiltinCall, text: string, part: string): Value | undefined {
  if (part === "") return call.fail("empty search character");
  const at = search(call, text, part).next(0);
  return at <= 0 ? at : codePointCount(text, 0, at);
}

/** Places may overlap. */
export function indexesOf(call: BuiltinCall, text: string, part: string): Value | undefined {
  if (part === "") return call.fail("empty search character");
  call.budget.step(text.length);
  const found = search(call, text, part);
  const result: number[] = [];
  let counted = 0;
  let codePoints = 0;
  for (let at = found.next(0); at !== -1; at = found.next(at + 1)) {
    codePoints += codePointCount(text, counted, at);
    counted = at;
    call.budget.output(8);
    result.push(codePoints);
  }
  return result;
}

export function countOf(call: BuiltinCall, text: string, part: string): number {
  call.budget.step(text.length >> 3);
  if (part === "") return codePointCount(text, 0, text.length) + 1;
  const found = search(call, text, part);
  let count = 0;
  for (let at = found.next(0); at !== -1; at = found.next(at + part.length)) {
    call.budget.step();
    count++;
  }
  return count;
}

/** What stands between the places; without a delimiter all characters. */
export function pieces(call: BuiltinCall, text: string, delimiter: string): readonly string[] {
  // Every piece is a place in an array and a string of its own.
  call.budget.output(text.length);
  const result: string[] = [];
  const charge = (): void => {
    call.budget.output(16);
    call.budget.step(stepsPerPlace);
  };
  if (delimiter === "") {
    for (const character of text) {
      charge();
      result.push(character);
    }
    return result;
  }
  const found = search(call, text, delimiter);
  let from = 0;
  for (let at = found.next(0); at !== -1; at = found.next(from)) {
    charge();
    result.push(text.slice(from, at));
    from = at + delimiter.length;
  }
  result.push(text.slice(from));
  return result;
}

/** How many pieces are joined at a time. */
const joinedPieces = 4096;

/** The text with every place of a part replaced; the part is not empty. */
export function replaceOne(call: BuiltinCall, text: string, old: string, by: string): string {
  const found = search(call, text, old);
  const joined: string[] = [];
  let part: string[] = [];
  let from = 0;
  for (let at = found.next(0); at !== -1; at = found.next(from)) {
    call.budget.output(at - from + by.length);
    call.budget.step(stepsPerPlace);
    part.push(text.slice(from, at), by);
    from = at + old.length;
    if (part.length < joinedPieces) continue;
    joined.push(part.join(""));
    part = [];
  }
  if (from === 0) return text;
  part.push(text.slice(from));
  joined.push(part.join(""));
  return joined.join("");
}

function codePointCount(text: string, from: number, end: number): number {
  let count = 0;
  for (let at = from; at < end; at++) {
    if ((text.codePointAt(at) as number) > 0xffff) at++;
    count++;
  }
  return count;
}
