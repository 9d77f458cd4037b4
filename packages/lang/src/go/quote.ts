// Go's quoted strings and runes. Printable is what unicode.IsPrint says: letters, marks, numbers, punctuation, symbols
// and, of the spaces, U+0020 only. A lone surrogate, which Go's strings cannot hold, counts as U+FFFD.
// Go: strconv/quote.go.

/** `"a\tb"`. Go: strconv.Quote. */
export function quote(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  return printableAscii.test(text) ? `"${text.replaceAll(/["\\]/g, "\\$&")}"` : `"${escapeAll(text, '"', false)}"`;
}

/** As `quote`, with everything beyond ASCII escaped. Go: strconv.QuoteToASCII. */
export function quoteToAscii(text: string): string {
  return plain.test(text) ? `"${text}"` : `"${escapeAll(text, '"', true)}"`;
}

/** `'x'`; what is no code point is U+FFFD. Go: strconv.QuoteRune, QuoteRuneToASCII. */
export function quoteRune(codePoint: number, ascii: boolean): string {
  return `'${escape(runeText(codePoint), "'", ascii)}'`;
}

/** The character with this code, or U+FFFD. Go: utf8.AppendRune. */
export function runeText(codePoint: number): string {
  const valid = codePoint >= 0 && codePoint <= 0x10ffff && !(codePoint >= 0xd800 && codePoint <= 0xdfff);
  return valid ? String.fromCodePoint(codePoint) : "\uFFFD";
}

/** Whether the text can stand between back quotes. Go: strconv.CanBackquote. */
export function canBackquote(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return !/[\u0000-\u0008\u000a-\u001f`\u007f\ufeff]/.test(text);
}

/** Go: unicode.IsPrint. */
export function isPrint(character: string): boolean {
  return printable.test(character);
}

/** Text of which no character needs an escape. */
const plain = /^[ !#-[\]-~]*$/;

const printableAscii = /^[ -~]*$/;

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const short: ReadonlyMap<string, string> = new Map([
  ["\\", "\\\\"],
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

function escapeAll(text: string, delimiter: string, ascii: boolean): string {
  return Array.from(text, (character) => escape(character, delimiter, ascii)).join("");
}

function escape(character: string, delimiter: string, ascii: boolean): string {
  if (character === delimiter) return `\\${character}`;
  const known = short.get(character);
  if (known !== undefined) return known;
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0xd800 && code <= 0xdfff) {
    return code >= 0xdc80 && code <= 0xdcff ? `\\x${(code - 0xdc00).toString(16)}` : escape("\uFFFD", delimiter, ascii);
  }
  if ((!ascii || code < 0x80) && printable.test(character)) return character;
  const digits = code.toString(16);
  if (code < 0x20 || code === 0x7f) return `\\x${digits.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}
