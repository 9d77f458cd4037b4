// Positions in texts. cel-go counts code points, JavaScript UTF-16 units; where a text has no pair of surrogates, as nearly
// all have none, they are the same. Go: []rune(s).

/** Code points of a text, by position. */
export interface Characters {
  readonly length: number;
  slice(from: number, to?: number): string;
}

const surrogates = /[\ud800-\udfff]/;

export function charactersOf(text: string): Characters {
  if (!surrogates.test(text)) return text;
  const characters = Array.from(text);
  return { length: characters.length, slice: (from, to) => characters.slice(from, to).join("") };
}

/** The unit at which a code point begins; the text's length behind the last one. */
export function unitOf(text: string, position: number): number {
  if (!surrogates.test(text)) return Math.min(position, text.length);
  let unit = 0;
  for (let left = position; left > 0 && unit < text.length; left--) unit += widthAt(text, unit);
  return unit;
}

/** How many code points stand before a unit. */
export function positionOf(text: string, unit: number): number {
  if (!surrogates.test(text)) return unit;
  let position = 0;
  for (let at = 0; at < unit; at += widthAt(text, at)) position++;
  return position;
}

function widthAt(text: string, unit: number): number {
  return (text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1;
}

/** Without white space at the ends. Go: strings.TrimSpace. */
export function trimSpace(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text[from] ?? "")) from++;
  while (to > from && isSpace(text[to - 1] ?? "")) to--;
  return text.slice(from, to);
}

/** Go: unicode.IsSpace. */
function isSpace(character: string): boolean {
  return /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/.test(character);
}
