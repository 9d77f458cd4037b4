// "Did you mean": names near one that is not there. gqlparser: validator/core/helpers.go; agnivade/levenshtein.

import type { Budget } from "@portcullis/lang";
import { toLower, utf8Length } from "@portcullis/lang/go";

/** The options near the text, nearest first. */
export function suggestions(budget: Budget, text: string, options: readonly string[]): readonly string[] {
  const threshold = Math.floor(utf8Length(text) * 0.4) + 1;
  const near: { readonly option: string; readonly distance: number }[] = [];
  for (const option of options) {
    const distance = distanceOf(budget, text, option);
    if (distance <= threshold) near.push({ option, distance });
  }
  return near.toSorted((a, b) => a.distance - b.distance).map(({ option }) => option);
}

function distanceOf(budget: Budget, a: string, b: string): number {
  if (a === b) return 0;
  const [x, y] = [toLower(a), toLower(b)];
  return x === y ? 1 : levenshtein(budget, Array.from(x), Array.from(y));
}

function levenshtein(budget: Budget, a: readonly string[], b: readonly string[]): number {
  budget.step(a.length * b.length);
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [at, character] of a.entries()) {
    const next = [at + 1];
    for (const [place, other] of b.entries()) {
      const replaced = (row[place] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(replaced, (row[place + 1] ?? 0) + 1, (next[place] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** `a, b, or c`, five at most. */
function orList(items: readonly string[]): string {
  const shown = items.slice(0, 5);
  if (shown.length === 2) return shown.join(" or ");
  const last = shown.length - 1;
  return shown.map((item, at) => (at > 0 && at === last ? `or ${item}` : item)).join(", ");
}

export function quotedOrList(items: readonly string[]): string {
  return orList(items.map((item) => `"${item}"`));
}

interface Suggesting {
  readonly budget: Budget;
  readonly text: string;
  readonly options: readonly string[];
}

/** ` Did you mean "a" or "b"?`; empty where nothing is near. */
export function didYouMean({ budget, text, options }: Suggesting, start = "Did you mean"): string {
  const found = suggestions(budget, text, options);
  return found.length === 0 ? "" : ` ${start} ${quotedOrList(found)}?`;
}

export function didYouMeanUnquoted({ budget, text, options }: Suggesting, start: string): string {
  const found = suggestions(budget, text, options);
  return found.length === 0 ? "" : ` ${start} ${orList(found)}?`;
}
