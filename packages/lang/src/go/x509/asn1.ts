// ASN.1 as Go's reflecting decoder reads it: field by field, with texts that name the Go type it wanted. Certificates have a
// stricter reader (der.ts); requests and private keys have this one. Go: encoding/asn1/asn1.go parseField.

import { decodeUtf8, isValidUtf8 } from "../utf8.ts";
import { integerOfBytes } from "./curves.ts";
import type { BitText } from "./der.ts";
import { Malformed } from "./malformed.ts";

function structureError(text: string): Malformed {
  return new Malformed(`asn1: structure error: ${text}`);
}

function syntaxError(text: string): Malformed {
  return new Malformed(`asn1: syntax error: ${text}`);
}

interface Header {
  readonly class: number;
  readonly tag: number;
  readonly length: number;
  readonly isCompound: boolean;
  /** Where the content begins. */
  readonly start: number;
}

export interface Element {
  readonly class: number;
  readonly tag: number;
  readonly isCompound: boolean;
  readonly content: Uint8Array;
  /** With tag and length. */
  readonly whole: Uint8Array;
}

/** A field's Go tag: `asn1:"optional,explicit,tag:0"`. */
export interface FieldOptions {
  readonly optional?: true;
  readonly explicit?: true;
  readonly tag?: number;
  readonly set?: true;
}

interface Wanted extends FieldOptions {
  /** The universal tag; null takes any element. */
  readonly universal: number | null;
  readonly isCompound: boolean;
  /** Go's name of the type; empty for pointers and slices. */
  readonly typeName: string;
}

export class Asn1Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Any element; null where an optional one is missing. */
  any(options: FieldOptions = {}): Element | null {
    return this.#field({ universal: null, isCompound: false, typeName: "RawValue", ...options });
  }

  /** The element at hand, which must be there. */
  some(): Element {
    return present(this.any());
  }

  /** A struct or a slice; the type's name is empty for a slice. */
  sequence(typeName: string, options: FieldOptions = {}): { readonly fields: Asn1Reader; readonly whole: Uint8Array } {
    const element = present(this.#field({ universal: 16, isCompound: true, typeName, ...options }));
    return { fields: new Asn1Reader(element.content), whole: element.whole };
  }

  /** Every element of a slice of structs. Go: parseSequenceOf checks the tags first. */
  sequences(typeName: string, elementName: string, options: FieldOptions = {}): readonly Asn1Reader[] {
    const { fields } = this.sequence(typeName, options);
    fields.checkElements(16);
    const list: Asn1Reader[] = [];
    while (!fields.isEmpty) list.push(fields.sequence(elementName).fields);
    return list;
  }

  /** Go looks at the tags of a list before it reads one of its elements; null allows any. */
  checkElements(tag: number | null): void {
    for (let at = this.#at; at < this.#bytes.length;) {
      const header = readHeader(this.#bytes, at);
      const isWanted = tag === null || (header.class === 0 && header.isCompound && header.tag === tag);
      if (!isWanted) throw structureError("sequence tag mismatch");
      if (header.start + header.length > this.#bytes.length) throw syntaxError("truncated sequence");
      at = header.start + header.length;
    }
  }

  int(options: FieldOptions = {}): bigint {
    const content = present(this.#field({ universal: 2, isCompound: false, typeName: "int", ...options })).content;
    const value = integerOf(content);
    if (content.length > 8) throw structureError("integer too large");
    return value;
  }

  bigInt(options: FieldOptions = {}): bigint | null {
    const element = this.#field({ universal: 2, isCompound: false, typeName: "", ...options });
    return element === null ? null : integerOf(element.content);
  }

  octets(options: FieldOptions = {}): Uint8Array {
    return present(this.#field({ universal: 4, isCompound: false, typeName: "", ...options })).content;
  }

  boolean(options: FieldOptions = {}): boolean {
    const element = this.#field({ universal: 1, isCompound: false, typeName: "bool", ...options });
    if (element === null) return false;
    const [byte] = element.content;
    if (element.content.length !== 1 || (byte !== 0 && byte !== 0xff)) throw syntaxError("invalid boolean");
    return byte === 0xff;
  }

  bits(options: FieldOptions = {}): BitText | null {
    const element = this.#field({ universal: 3, isCompound: false, typeName: "BitString", ...options });
    return element === null ? null : bitsOf(element.content);
  }

  identifier(options: FieldOptions = {}): readonly number[] | null {
    const wanted = { universal: 6, isCompound: false, typeName: "ObjectIdentifier", ...options };
    const element = this.#field(wanted);
    return element === null ? null : arcsOf(element.content);
  }

  #field(wanted: Wanted): Element | null {
    const start = this.#at;
    if (this.isEmpty) return missing(wanted, () => syntaxError("sequence truncated"));
    let header = readHeader(this.#bytes, start);
    if (wanted.explicit === true) {
      if (header.start === this.#bytes.length) throw structureError("explicit tag has no child");
      if (header.class !== 2 || header.tag !== wanted.tag || (header.length > 0 && !header.isCompound)) {
        return missing(wanted, () => structureError("explicitly tagged member didn't match"));
      }
      if (header.length === 0) throw structureError("zero length explicit tag was not an asn1.Flag");
      header = readHeader(this.#bytes, header.start);
    }
    if (!matches(header, wanted)) return missing(wanted, () => mismatch(header, wanted));
    const end = header.start + header.length;
    if (end > this.#bytes.length) throw syntaxError("data truncated");
    this.#at = end;
    const { class: kind, tag, isCompound } = header;
    const content = this.#bytes.subarray(header.start, end);
    return { class: kind, tag, isCompound, content, whole: this.#bytes.subarray(start, end) };
  }
}

function present<T>(value: T | null): T {
  if (value === null) throw syntaxError("sequence truncated");
  return value;
}

function missing({ optional }: Wanted, error: () => Malformed): null {
  if (optional === true) return null;
  throw error();
}

function expectedTag({ universal, set }: Wanted): number | null {
  return set === true ? 17 : universal;
}

function matches(header: Header, wanted: Wanted): boolean {
  const isTagged = wanted.explicit !== true && wanted.tag !== undefined;
  if (wanted.universal === null && !isTagged) return true;
  if (wanted.universal !== null && header.isCompound !== wanted.isCompound) return false;
  return isTagged
    ? header.class === 2 && header.tag === wanted.tag
    : header.class === 0 && header.tag === expectedTag(wanted);
}

function mismatch(header: Header, wanted: Wanted): Malformed {
  const { class: kind, tag, length, isCompound } = header;
  const found = `{class:${kind} tag:${tag} length:${length} isCompound:${isCompound}}`;
  const { optional, explicit, set } = wanted;
  const field = `{optional:${optional === true} explicit:${explicit === true} application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:${set === true} omitEmpty:false}`;
  const expected = wanted.tag ?? expectedTag(wanted);
  return structureError(`tags don't match (${expected} vs ${found}) ${field} ${wanted.typeName} @${header.start}`);
}

function readHeader(bytes: Uint8Array, from: number): Header {
  const first = bytes[from] ?? 0;
  let [at, tag] = [from + 1, first & 0x1f];
  if (tag === 0x1f) {
    [tag, at] = readBase128(bytes, at);
    if (tag < 0x1f) throw syntaxError("non-minimal tag");
  }
  const size = bytes[at++];
  if (size === undefined) throw syntaxError("truncated tag or length");
  let length = size & 0x7f;
  if (size >= 0x80) {
    const count = length;
    if (count === 0) throw syntaxError("indefinite length found (not DER)");
    length = 0;
    for (let index = 0; index < count; index++) {
      const byte = bytes[at++];
      if (byte === undefined) throw syntaxError("truncated tag or length");
      if (length >= 1 << 23) throw structureError("length too large");
      length = length * 256 + byte;
      if (length === 0) throw structureError("superfluous leading zeros in length");
    }
    if (length < 0x80) throw structureError("non-minimal length");
  }
  return { class: first >> 6, tag, length, isCompound: (first & 0x20) !== 0, start: at };
}

function readBase128(bytes: Uint8Array, from: number): readonly [value: number, end: number] {
  let value = 0;
  for (let at = from; at < bytes.length; at++) {
    if (at - from === 5) throw structureError("base 128 integer too large");
    const byte = bytes[at] ?? 0;
    if (at === from && byte === 0x80) throw syntaxError("integer is not minimally encoded");
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (value > 2 ** 31 - 1) throw structureError("base 128 integer too large");
    return [value, at + 1];
  }
  throw syntaxError("truncated base 128 integer");
}

function arcsOf(content: Uint8Array): readonly number[] {
  if (content.length === 0) throw syntaxError("zero length OBJECT IDENTIFIER");
  let [value, at] = readBase128(content, 0);
  const arcs = value < 80 ? [Math.floor(value / 40), value % 40] : [2, value - 80];
  while (at < content.length) {
    [value, at] = readBase128(content, at);
    arcs.push(value);
  }
  return arcs;
}

function integerOf(content: Uint8Array): bigint {
  const [first, second = 0] = content;
  if (first === undefined) throw structureError("empty integer");
  const isPadded = (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80);
  if (content.length > 1 && isPadded) throw structureError("integer not minimally-encoded");
  const value = integerOfBytes(content);
  return first >= 0x80 ? value - (1n << BigInt(content.length * 8)) : value;
}

function bitsOf(content: Uint8Array): BitText {
  const [padding] = content;
  if (padding === undefined) throw syntaxError("zero length BIT STRING");
  const last = content.at(-1) ?? 0;
  if (padding > 7 || (content.length === 1 && padding > 0) || (last & ((1 << padding) - 1)) !== 0) {
    throw syntaxError("invalid padding bits in BIT STRING");
  }
  return { bytes: content.subarray(1), padding };
}

/** What Go makes of a value of unknown type; undefined where it makes nothing. */
export function anyValue(element: Element): string | boolean | bigint | readonly number[] | Uint8Array | undefined {
  const { content } = element;
  if (element.class !== 0 || element.isCompound) return undefined;
  switch (element.tag) {
    case 1:
      return new Asn1Reader(element.whole).boolean();
    case 2:
      return new Asn1Reader(element.whole).int();
    case 4:
      return content;
    case 6:
      return arcsOf(content);
    case 12:
      if (!isValidUtf8(content)) throw new Malformed("asn1: invalid UTF-8 string");
      return decodeUtf8(content);
    case 18:
      return checked(content, /^[0-9 ]*$/, "NumericString");
    case 19:
      return checked(content, /^[A-Za-z0-9 '()+,\-./:=?*&]*$/, "PrintableString");
    case 20:
      return latin(content);
    case 22:
      // oxlint-disable-next-line no-control-regex -- ASCII is what is asked for
      return checked(content, /^[\u0000-\u007f]*$/, "IA5String");
    case 30:
      return ucs2(content);
    default:
      return undefined;
  }
}

function latin(content: Uint8Array): string {
  return Array.from(content, (byte) => String.fromCharCode(byte)).join("");
}

function checked(content: Uint8Array, allowed: RegExp, type: string): string {
  const text = latin(content);
  if (!allowed.test(text)) throw syntaxError(`${type} contains invalid character`);
  return text;
}

/** Text of two bytes for each character; a zero at its end does not count. */
export function ucs2(content: Uint8Array): string {
  const { length } = content;
  const ends = length >= 2 && content[length - 1] === 0 && content[length - 2] === 0;
  let text = "";
  for (let at = 0; at < (ends ? length - 2 : length); at += 2) {
    text += String.fromCharCode(((content[at] ?? 0) << 8) | (content[at + 1] ?? 0));
  }
  if (length % 2 !== 0 || /[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]/.test(text)) {
    throw new Malformed("invalid BMPString");
  }
  return text;
}
