// Content keys. An object's canonical text has sorted keys and no white space, so that two spellings of one object have
// one key; a set's digest is that of its objects' digests, sorted, so that no order of files can change it. SHA-256
// because a digest names a policy set in audit records: nobody may be able to make another set with the same name.

import { Decimal } from "@portcullis/lang";
import type { Json } from "./request.ts";

/** The digest of one tree, 64 hexadecimal digits. Remembered for as long as the tree lives: trees do not change. */
export function digestOf(value: Json): string {
  if (typeof value !== "object" || value === null) return sha256(canonicalJson(value));
  const known = remembered.get(value) ?? sha256(canonicalJson(value));
  remembered.set(value, known);
  return known;
}

const remembered = new WeakMap<object, string>();

/** The digest of several digests, whatever their order. */
export function digestOfAll(digests: readonly string[]): string {
  return sha256(digests.toSorted().join("\n"));
}

/** JSON text with sorted keys; a Decimal as it was written. However deep: what nobody could read has a digest too. */
export function canonicalJson(value: Json): string {
  const parts: string[] = [];
  const todo: Json[] = [value];
  while (todo.length > 0) {
    const next = todo.pop();
    if (next instanceof Written) parts.push(next.text);
    else if (typeof next !== "object" || next === null) parts.push(JSON.stringify(next) ?? "null");
    else if (next instanceof Decimal) parts.push(next.text);
    else if (Array.isArray(next)) writeList(next, todo);
    else writeObject(next as Readonly<Record<string, Json>>, todo);
  }
  return parts.join("");
}

/** A piece of the text between values. */
class Written {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

// What is written first is put down last.

function writeList(list: readonly Json[], todo: Json[]): void {
  todo.push(new Written("]"));
  for (let at = list.length - 1; at >= 0; at--) todo.push(list[at], new Written(at > 0 ? "," : "["));
  if (list.length === 0) todo.push(new Written("["));
}

function writeObject(object: Readonly<Record<string, Json>>, todo: Json[]): void {
  const keys = Object.keys(object).filter((key) => object[key] !== undefined);
  todo.push(new Written("}"));
  for (const [at, key] of keys.toSorted().toReversed().entries()) {
    const separator = at === keys.length - 1 ? "{" : ",";
    todo.push(object[key], new Written(`${separator}${JSON.stringify(key)}:`));
  }
  if (keys.length === 0) todo.push(new Written("{"));
}

// ── SHA-256 (FIPS 180-4)

/** SHA-256 of a text's UTF-8 bytes, in hexadecimal. */
export function sha256(text: string): string {
  const bytes = padded(text);
  const state = Uint32Array.from(initial);
  const schedule = new Uint32Array(64);
  for (let block = 0; block < bytes.length; block += 64) compress(state, schedule, bytes, block);
  return Array.from(state, (part) => part.toString(16).padStart(8, "0")).join("");
}

function compress(state: Uint32Array, w: Uint32Array, bytes: Uint8Array, block: number): void {
  for (let at = 0; at < 16; at++) {
    const from = block + at * 4;
    w[at] =
      (byte(bytes, from) << 24) | (byte(bytes, from + 1) << 16) | (byte(bytes, from + 2) << 8) | byte(bytes, from + 3);
  }
  for (let at = 16; at < 64; at++) {
    const x = word(w, at - 15);
    const y = word(w, at - 2);
    const low = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const high = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[at] = word(w, at - 16) + low + word(w, at - 7) + high;
  }
  const v = Uint32Array.from(state);
  for (let at = 0; at < 64; at++) {
    const e = word(v, 4);
    const a = word(v, 0);
    const choice = (e & word(v, 5)) ^ (~e & word(v, 6));
    const first =
      word(v, 7) + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + word(constants, at) + word(w, at);
    const majority = (a & word(v, 1)) ^ (a & word(v, 2)) ^ (word(v, 1) & word(v, 2));
    const second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority;
    v.copyWithin(1, 0, 7);
    v[4] = word(v, 4) + first;
    v[0] = first + second;
  }
  for (let at = 0; at < 8; at++) state[at] = word(state, at) + word(v, at);
}

function rotate(value: number, bits: number): number {
  return (value >>> bits) | (value << (32 - bits));
}

function word(words: Uint32Array, at: number): number {
  return words[at] as number;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

/** The message with its padding: a 1 bit, zeros, and the length in bits. */
function padded(text: string): Uint8Array {
  const units: number[] = [];
  for (const character of text) pushUtf8(units, character.codePointAt(0) as number);
  const length = units.length;
  const bytes = new Uint8Array((((length + 8) >> 6) + 1) << 6);
  bytes.set(units);
  bytes[length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 8, Math.floor(length / 0x20000000));
  view.setUint32(bytes.length - 4, (length << 3) >>> 0);
  return bytes;
}

function pushUtf8(bytes: number[], point: number): void {
  if (point < 0x80) bytes.push(point);
  else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
  else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  else {
    bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  }
}

/** The first 64 primes; the constants are fractional parts of their roots. */
const primes = firstPrimes(64);
const initial = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const constants = Uint32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));

function fraction(root: number): number {
  return ((root - Math.floor(root)) * 0x100000000) >>> 0;
}

function firstPrimes(count: number): readonly number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  }
  return found;
}
