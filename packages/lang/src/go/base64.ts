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

/** `onPart` is told the size of each part of the bytes before it is encoded, so that whoever counts may stop it. */
export function encodeBase64(
  bytes: Uint8Array,
  alphabet: Base64Alphabet,
  onPart: (bytes: number) => void = () => {},
): string {
  const pairs = alphabet.digits === standardBase64.digits ? standardPairs : urlPairs;
  const parts: string[] = [];
  const end = bytes.length - (bytes.length % 3);
  for (let from = 0; from < end; from += bytesPerPart) {
    const to = Math.min(end, from + bytesPerPart);
    onPart(to - from);
    let part = "";
    for (let at = from; at < to; at += 3) {
      const group = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
      part += (pairs[group >> 12] as string) + (pairs[group & 4095] as string);
    }
    parts.push(part);
  }
  parts.push(lastGroup(bytes.subarray(end), alphabet));
  return parts.join("");
}

/** A multiple of 3. */
const bytesPerPart = 3072;

function lastGroup(bytes: Uint8Array, { digits, padding }: Base64Alphabet): string {
  const [first, second = 0] = bytes;
  if (first === undefined) return "";
  const group = (first << 16) | (second << 8);
  const digit = (shift: number): string => digits[(group >> shift) & 63] as string;
  const isPair = bytes.length === 2;
  return `${digit(18)}${digit(12)}${isPair ? digit(6) : ""}${padding ? "=".repeat(isPair ? 1 : 2) : ""}`;
}

/** The two digits of every 12 bits. */
function pairsOf({ digits }: Base64Alphabet): readonly string[] {
  return Array.from({ length: 4096 }, (_, bits) => `${digits[bits >> 6] ?? ""}${digits[bits & 63] ?? ""}`);
}

const standardPairs = pairsOf(standardBase64);
const urlPairs = pairsOf(urlBase64);

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
