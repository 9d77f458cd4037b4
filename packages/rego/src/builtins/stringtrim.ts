// Trimming at either end, by a set of characters or by white space, in one pass from the end inwards.
// Go: strings.Trim, TrimLeft, TrimRight, TrimSpace.

/** Text without what the second operand says. */
export type Cut = (text: string, characters: string) => string;

type Test = (codePoint: number) => boolean;

function among(characters: string): Test {
  const set = new Set(Array.from(characters, (character) => character.codePointAt(0) as number));
  return (codePoint) => set.has(codePoint);
}

function firstKept(text: string, trimmed: Test): number {
  let at = 0;
  while (at < text.length) {
    const codePoint = text.codePointAt(at) as number;
    if (!trimmed(codePoint)) break;
    at += codePoint > 0xffff ? 2 : 1;
  }
  return at;
}

function lastKept(text: string, trimmed: Test, start: number): number {
  let end = text.length;
  while (end > start) {
    const pair = end - 2 >= start ? (text.codePointAt(end - 2) as number) : 0;
    const codePoint = pair > 0xffff ? pair : text.charCodeAt(end - 1);
    if (!trimmed(codePoint)) break;
    end -= codePoint > 0xffff ? 2 : 1;
  }
  return end;
}

export const trimLeftCut: Cut = (text, characters) => text.slice(firstKept(text, among(characters)));

export const trimRightCut: Cut = (text, characters) => text.slice(0, lastKept(text, among(characters), 0));

export const trimBothCut: Cut = (text, characters) => trimWhere(text, among(characters));

export function trimSpace(text: string): string {
  return trimWhere(text, isSpace);
}

/** Go: unicode.IsSpace, which has U+0085 and has not U+FEFF. */
function isSpace(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  if (code < 0x2000) return code === 0x85 || code === 0xa0 || code === 0x1680;
  return code <= 0x200a || [0x2028, 0x2029, 0x202f, 0x205f, 0x3000].includes(code);
}

function trimWhere(text: string, trimmed: Test): string {
  const start = firstKept(text, trimmed);
  return text.slice(start, lastKept(text, trimmed, start));
}
