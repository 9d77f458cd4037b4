// Trimming at either end, by a set of characters or by white space, in one pass from the end inwards.
// Go: strings.Trim, TrimLeft, TrimRight, TrimSpace.

/** Text without what the second operand says. */
export type Cut = (text: string, characters: string) => string;

type Test = (character: string) => boolean;

function among(characters: string): Test {
  const set = new Set(characters);
  return (character) => set.has(character);
}

function firstKept(text: string, trimmed: Test): number {
  let at = 0;
  while (at < text.length) {
    const character = String.fromCodePoint(text.codePointAt(at) as number);
    if (!trimmed(character)) break;
    at += character.length;
  }
  return at;
}

function lastKept(text: string, trimmed: Test, start: number): number {
  let end = text.length;
  while (end > start) {
    const pair = end - 2 >= start && (text.codePointAt(end - 2) as number) > 0xffff;
    const character = text.slice(end - (pair ? 2 : 1), end);
    if (!trimmed(character)) break;
    end -= character.length;
  }
  return end;
}

export const trimLeftCut: Cut = (text, characters) => text.slice(firstKept(text, among(characters)));

export const trimRightCut: Cut = (text, characters) => text.slice(0, lastKept(text, among(characters), 0));

export const trimBothCut: Cut = (text, characters) => trimWhere(text, among(characters));

/** Go: unicode.IsSpace, which has U+0085 and has not U+FEFF. */
export function trimSpace(text: string): string {
  return trimWhere(text, (character) => space.test(character));
}

const space = /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

function trimWhere(text: string, trimmed: Test): string {
  const start = firstKept(text, trimmed);
  return text.slice(start, lastKept(text, trimmed, start));
}
