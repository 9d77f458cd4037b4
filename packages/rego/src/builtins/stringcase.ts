// Upper and lower case character by character, as Go maps them: one code point to one, without the special cases that
// JavaScript knows (`ß` to `SS`, the final sigma). Go: strings.ToLower, unicode.ToLower.

export function toLower(text: string): string {
  return isPlain(text) ? text.toLowerCase() : Array.from(text, lower).join("");
}

export function toUpper(text: string): string {
  return isPlain(text) ? text.toUpperCase() : Array.from(text, upper).join("");
}

/** Only ASCII: both rules agree. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

function lower(character: string): string {
  const result = character.toLowerCase();
  // U+0130, a capital I with a dot, is the only character with a longer lower case.
  return result.length > character.length ? "i" : result;
}

function upper(character: string): string {
  const result = character.toUpperCase();
  return result.length > character.length ? upperOfSpecial(character) : result;
}

/** Greek letters with iota below have a capital of one code point (`ᾳ` to `ᾼ`); the others are left as they are. */
function upperOfSpecial(character: string): string {
  const code = character.charCodeAt(0);
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCharCode(code | 8);
  return code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3 ? String.fromCharCode(code + 9) : character;
}
