// Base64 as Go's encoding/base64 does it: line ends are ignored, padding is needed where the alphabet has it, and the
// bits after the last byte may be anything. Go: encoding/base64/base64.go.

export interface Base64Alphabet {
  readonly digits: string;
  readonly padding: boolean;
}

const shared = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export const standardBase64: Base64Alphabet = { digits: `${shared}+/`, padding: true };
export const urlBase64: Base64Alphabet = { digits: `${shared}-_`, padding: true };
export const rawUrlBase64: Base64Alphabet = { digits: `${shared}-_`, padding: false };

export function encodeBase64(bytes: Uint8Array, alphabet: Base64Alphabet): string {
  const codes = alphabet.digits === standardBase64.digits ? standardCodes : urlCodes;
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(padding);
  let end = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = ((bytes[at] as number) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    out[end] = codes[group >> 18] as number;
    out[end + 1] = codes[(group >> 12) & 63] as number;
    if (left > 1) out[end + 2] = codes[(group >> 6) & 63] as number;
    if (left > 2) out[end + 3] = codes[group & 63] as number;
    end += 4;
  }
  const spare = (3 - (bytes.length % 3)) % 3;
  return asciiText(alphabet.padding ? out : out.subarray(0, out.length - spare));
}

const padding = 0x3d;

/** In portions, because a call takes only so many arguments. */
function asciiText(codes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < codes.length; at += 8192) parts.push(String.fromCharCode(...codes.subarray(at, at + 8192)));
  return parts.join("");
}

function codesOf(alphabet: Base64Alphabet): Uint8Array {
  return Uint8Array.from(alphabet.digits, (digit) => digit.charCodeAt(0));
}

const standardCodes = codesOf(standardBase64);
const urlCodes = codesOf(urlBase64);

/** The bytes, or Go's error: `illegal base64 data at input byte 4`. Positions count bytes of the text. */
export function decodeBase64(text: string, alphabet: Base64Alphabet): Uint8Array | { readonly error: string } {
  const values = alphabet === standardBase64 ? standardValues : urlValues;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let end = 0;
  let group = 0;
  let inGroup = 0;
  const corrupt = (at: number): { error: string } => ({ error: `illegal base64 data at input byte ${at}` });
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x0a || unit === 0x0d) continue;
    if (unit === 0x3d && alphabet.padding) {
      const wrong = checkPadding(text, at, inGroup);
      if (wrong !== null) return corrupt(wrong);
      end = flush(bytes, end, group, inGroup);
      return bytes.slice(0, end);
    }
    const value = unit < 128 ? (values[unit] as number) : -1;
    if (value === -1) return corrupt(at);
    group = (group << 6) | value;
    inGroup++;
    if (inGroup === 4) {
      end = flush(bytes, end, group, 4);
      group = 0;
      inGroup = 0;
    }
  }
  if (inGroup === 1 || (inGroup > 0 && alphabet.padding)) return corrupt(text.length - inGroup);
  return bytes.slice(0, flush(bytes, end, group, inGroup));
}

/** Where the text is wrong from its first padding character on; null when it is right. */
function checkPadding(text: string, at: number, inGroup: number): number | null {
  if (inGroup < 2) return at;
  let next = skipLineEnds(text, at + 1);
  if (inGroup === 2) {
    if (next === text.length) return text.length;
    if (text[next] !== "=") return next - 1;
    next = skipLineEnds(text, next + 1);
  }
  return next < text.length ? next : null;
}

function skipLineEnds(text: string, from: number): number {
  let at = from;
  while (text[at] === "\n" || text[at] === "\r") at++;
  return at;
}

function flush(bytes: Uint8Array, end: number, group: number, inGroup: number): number {
  const whole = group << (6 * (4 - inGroup));
  for (let part = 0; part < inGroup - 1; part++) bytes[end + part] = (whole >> (16 - 8 * part)) & 0xff;
  return end + Math.max(0, inGroup - 1);
}

function valuesOf(alphabet: Base64Alphabet): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (let at = 0; at < 64; at++) values[alphabet.digits.charCodeAt(at)] = at;
  return values;
}

const standardValues = valuesOf(standardBase64);
const urlValues = valuesOf(urlBase64);
