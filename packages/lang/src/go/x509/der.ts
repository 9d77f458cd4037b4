// A reader of DER: tag, length, value, with the strictness of Go's cryptobyte. Every read gives null where the bytes are not
// what was asked for; the caller says what that means. Behaviour from golang.org/x/crypto/cryptobyte/asn1.go.

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  nothing: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** A context-specific tag: `[2]`, or constructed, `[2] { … }`. */
export function contextTag(number: number, constructed = false): number {
  return 0x80 | number | (constructed ? 0x20 : 0);
}

export interface BitText {
  readonly bytes: Uint8Array;
  /** How many bits at the end of the last byte do not count. */
  readonly padding: number;
}

/** The bits at the end of the bytes. Go: asn1.BitString RightAlign. */
export function rightAligned({ bytes, padding }: BitText): Uint8Array {
  if (padding === 0) return bytes;
  return bytes.map((byte, at) => (byte >> padding) | ((bytes[at - 1] ?? 0) << (8 - padding)));
}

interface Element {
  readonly tag: number;
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
}

export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next element whatever its tag. */
  any(): Element | null {
    const header = this.#header();
    if (header === null) return null;
    const start = this.#at;
    const begin = start + header.size;
    const end = begin + header.length;
    if (end > this.#bytes.length) return null;
    this.#at = end;
    return {
      tag: header.tag,
      whole: this.#bytes.subarray(start, end),
      content: this.#bytes.subarray(begin, end),
    };
  }

  peek(tag: number): boolean {
    return this.#bytes[this.#at] === tag;
  }

  /** The element with its tag and length. */
  whole(tag: number): Uint8Array | null {
    return this.peek(tag) ? (this.any()?.whole ?? null) : null;
  }

  bytes(tag: number): Uint8Array | null {
    return this.peek(tag) ? (this.any()?.content ?? null) : null;
  }

  /** A reader of the element's content. */
  enter(tag: number): DerReader | null {
    const content = this.bytes(tag);
    return content === null ? null : new DerReader(content);
  }

  boolean(): boolean | null {
    const content = this.bytes(tags.boolean);
    if (content?.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) return null;
    return content[0] === 0xff;
  }

  integer(tag: number = tags.integer): bigint | null {
    const content = this.bytes(tag);
    if (content === null || !isMinimalInteger(content)) return null;
    const hex = Array.from(content, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const value = BigInt(`0x${hex}`);
    return (content[0] ?? 0) >= 0x80 ? value - (1n << BigInt(content.length * 8)) : value;
  }

  bitText(): BitText | null {
    const content = this.bytes(tags.bitString);
    if (content === null || content.length === 0) return null;
    const padding = content[0] ?? 0;
    const bytes = content.subarray(1);
    if (padding > 7 || (bytes.length === 0 && padding !== 0)) return null;
    if (bytes.length > 0 && ((bytes.at(-1) ?? 0) & ((1 << padding) - 1)) !== 0) return null;
    return { bytes, padding };
  }

  objectIdentifier(): readonly number[] | null {
    const content = this.bytes(tags.objectIdentifier);
    return content === null ? null : arcsOf(content);
  }

  #header(): { readonly tag: number; readonly size: number; readonly length: number } | null {
    const tag = this.#bytes[this.#at];
    const first = this.#bytes[this.#at + 1];
    // A tag number of 31 or more has a form of its own, which no certificate needs.
    if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return null;
    if (first < 0x80) return { tag, size: 2, length: first };
    const count = first & 0x7f;
    if (count === 0 || count > 4) return null;
    let length = 0;
    for (let at = 0; at < count; at++) {
      const byte = this.#bytes[this.#at + 2 + at];
      if (byte === undefined) return null;
      length = length * 256 + byte;
    }
    // The shortest form of a length is the only one.
    if (length < 0x80 || length < 256 ** (count - 1)) return null;
    return { tag, size: 2 + count, length };
  }
}

function isMinimalInteger(content: Uint8Array): boolean {
  const [first, second = 0] = content;
  if (first === undefined) return false;
  if (content.length === 1) return true;
  return !((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
}

const arcMax = 2 ** 31 - 1;

/** The numbers of an object identifier: 2.5.4.3. */
export function arcsOf(content: Uint8Array): readonly number[] | null {
  const arcs: number[] = [];
  let value = 0;
  let inside = false;
  for (const byte of content) {
    if (!inside && byte === 0x80) return null;
    value = value * 128 + (byte & 0x7f);
    inside = byte >= 0x80;
    if (value > arcMax) return null;
    if (inside) continue;
    if (arcs.length === 0) arcs.push(value < 80 ? Math.floor(value / 40) : 2, value < 80 ? value % 40 : value - 80);
    else arcs.push(value);
    value = 0;
  }
  return inside || arcs.length === 0 ? null : arcs;
}
