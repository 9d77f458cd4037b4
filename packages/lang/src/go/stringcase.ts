// Upper and lower case character by character, as Go maps them: one code point to one, without the special cases that
// JavaScript knows (`ß` to `SS`, the final sigma). Go: strings.ToLower, unicode.ToLower.

export function toLower(text: string): string {
  return loweredOtherwise.test(text) ? Array.from(text, lower).join("") : text.toLowerCase();
}

export function toUpper(text: string): string {
  return upperedOtherwise.test(text) ? Array.from(text, upper).join("") : text.toUpperCase();
}

/** The capital I with a dot, and the sigma that JavaScript lowers by its place in the word. */
const loweredOtherwise = /[\u0130\u03a3]/;

/** Where JavaScript's capital has more than one code point. */
const upperedOtherwise =
  /[\u00df\u0149\u01f0\u0390\u03b0\u0587\u1e96-\u1e9a\u1f50-\u1f56\u1f80-\u1faf\u1fb2-\u1fbc\u1fc2-\u1fcc\u1fd2-\u1fd7\u1fe2-\u1fe7\u1ff2-\u1ffc\ufb00-\ufb17]/;

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
