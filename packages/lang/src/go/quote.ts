// Go's strconv.Quote: a text in double quotes, with Go's escapes for what is not printable.

/** `"a\tb"`. */
export function quote(text: string): string {
  return plain.test(text) ? `"${text}"` : `"${Array.from(text, quoteCharacter).join("")}"`;
}

/** Text of which no character needs an escape: the printable part of ASCII without the quote and the backslash. */
const plain = /^[ !#-[\]-~]*$/;

/** What Go's unicode.IsPrint accepts: letters, marks, numbers, punctuation, symbols, and of the spaces only U+0020. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

function quoteCharacter(character: string): string {
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  if (printable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  // A byte that is not UTF-8 (see utf8.ts) is written as that byte; other lone surrogates exist in no Go string.
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  if (code >= 0xd800 && code <= 0xdfff) return "\uFFFD";
  const digits = code.toString(16);
  if (code < 0x20 || code === 0x7f) return `\\x${digits.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}
