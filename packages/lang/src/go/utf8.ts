// UTF-8 as Go handles it. A Go string may hold any bytes, and policies make such strings (base64.decode, hex.decode) only
// to hash or encode them again; so a byte that is not UTF-8 is kept as the lone surrogate U+DC80 + (byte - 0x80), counts as
// one character as in Go, turns back into its byte here, and becomes U+FFFD in `toWellFormed`, as in Go's JSON.
// Any other lone surrogate, which no Go string can hold, is encoded as U+FFFD.

const byteEscape = 0xdc00;

/** The bytes of a text. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) as number;
    if (code > 0xffff) at++;
    end = writeCode(bytes, end, code);
  }
  return bytes;
}

/** How many bytes the text has. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if (isPair(text, at)) {
      length += 4;
      at++;
    } else length += isEscapedByte(unit) ? 1 : 3;
  }
  return length;
}

/** The text of bytes. */
export function decodeUtf8(bytes: Uint8Array): string {
  const parts: string[] = [];
  const units: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at] as number;
    const width = sequenceWidth(bytes, at);
    if (width === 0) units.push(byteEscape + first);
    else if (width === 1) units.push(first);
    else {
      let code = first & (0x7f >> width);
      for (let next = 1; next < width; next++) code = (code << 6) | ((bytes[at + next] as number) & 0x3f);
      if (code > 0xffff) units.push(0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
      else units.push(code);
    }
    at += Math.max(width, 1);
    if (units.length >= 8000) parts.push(String.fromCharCode(...units.splice(0)));
  }
  parts.push(String.fromCharCode(...units));
  return parts.join("");
}

/** Whether every byte belongs to a valid sequence. */
export function isValidUtf8(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length;) {
    const width = sequenceWidth(bytes, at);
    if (width === 0) return false;
    at += width;
  }
  return true;
}

/** Bytes of the valid sequence that starts here; 0 when there is none. */
function sequenceWidth(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const width =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (at + width > bytes.length) return 0;
  for (let next = 1; next < width; next++) {
    if (((bytes[at + next] as number) & 0xc0) !== 0x80) return 0;
  }
  // Overlong forms, surrogates and what is above U+10FFFF show in the second byte.
  const second = bytes[at + 1] as number;
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  return first === 0xf4 && second > 0x8f ? 0 : width;
}

function writeCode(bytes: Uint8Array, end: number, code: number): number {
  if (code < 0x80) bytes[end] = code;
  else if (code < 0x800) {
    bytes[end] = 0xc0 | (code >> 6);
    bytes[end + 1] = 0x80 | (code & 0x3f);
    return end + 2;
  } else if (isEscapedByte(code)) bytes[end] = code - byteEscape;
  else if (code <= 0xffff) {
    const kept = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
    bytes[end] = 0xe0 | (kept >> 12);
    bytes[end + 1] = 0x80 | ((kept >> 6) & 0x3f);
    bytes[end + 2] = 0x80 | (kept & 0x3f);
    return end + 3;
  } else {
    bytes[end] = 0xf0 | (code >> 18);
    bytes[end + 1] = 0x80 | ((code >> 12) & 0x3f);
    bytes[end + 2] = 0x80 | ((code >> 6) & 0x3f);
    bytes[end + 3] = 0x80 | (code & 0x3f);
    return end + 4;
  }
  return end + 1;
}

function isPair(text: string, at: number): boolean {
  return (text.codePointAt(at) as number) > 0xffff;
}

function isEscapedByte(unit: number): boolean {
  return unit >= 0xdc80 && unit <= 0xdcff;
}
