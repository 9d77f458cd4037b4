// PEM blocks of a text. Those that are broken are passed over. Go: encoding/pem/pem.go Decode.

import { decodeBase64, standardBase64 } from "../base64.ts";

export interface PemBlock {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Where the text goes on below the block. */
  readonly end: number;
}

const begin = "-----BEGIN ";
const end = "\n-----END ";
const dashes = "-----";

/** The first block that can be read, from a place on; null without one. */
export function decodePem(text: string, start = 0): PemBlock | null {
  for (let from = start; ;) {
    const endAt = text.indexOf(end, from);
    if (endAt === -1) return null;
    const next = endAt + end.length;
    const beginAt = text.lastIndexOf(begin, endAt);
    const startsLine = beginAt === from || (beginAt > from && text[beginAt - 1] === "\n");
    const block = startsLine ? readBlock(text, beginAt + begin.length, endAt) : null;
    if (block !== null) return block;
    from = next;
  }
}

/** All blocks in order; what is between them does not count. */
export function pemBlocks(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  for (let block = decodePem(text); block !== null; block = decodePem(text, block.end)) blocks.push(block);
  return blocks;
}

function readBlock(text: string, start: number, endAt: number): PemBlock | null {
  const lines = text.slice(start, endAt).split("\n");
  const typeLine = (lines.shift() ?? "").replace(/(?<![\r \t])[\r \t]+$/, "");
  if (!typeLine.endsWith(dashes)) return null;
  const type = typeLine.slice(0, -dashes.length);
  // Headers are lines with a colon, and nothing asks for them.
  while (lines[0]?.includes(":") === true) lines.shift();
  const lineEnd = text.indexOf("\n", endAt + end.length);
  const after = lineEnd === -1 ? text.length : lineEnd;
  const trailer = text.slice(endAt + end.length, after);
  if (trailer.replace(/(?<![\r \t])[\r \t]+$/, "") !== `${type}${dashes}`) return null;
  const bytes = decodeBase64(lines.join("\n").replace(/[ \t]/g, ""), standardBase64);
  return bytes instanceof Uint8Array ? { type, bytes, end: Math.min(after + 1, text.length) } : null;
}
