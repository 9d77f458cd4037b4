// The first PEM block of a text. Blocks that are broken are passed over. Go: encoding/pem/pem.go Decode.

import { decodeBase64, standardBase64 } from "@portcullis/lang/go";

export interface PemBlock {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const begin = "-----BEGIN ";
const end = "\n-----END ";
const dashes = "-----";

/** The first block that can be read; null without one. */
export function decodePem(text: string): PemBlock | null {
  for (let from = 0; ;) {
    const endAt = text.indexOf(end, from);
    if (endAt === -1) return null;
    const next = endAt + end.length;
    const beginAt = text.lastIndexOf(begin, endAt);
    const startsLine = beginAt === 0 || (beginAt >= from && text[beginAt - 1] === "\n");
    const block = startsLine && beginAt >= from ? readBlock(text, beginAt + begin.length, endAt) : null;
    if (block !== null) return block;
    from = next;
  }
}

function readBlock(text: string, start: number, endAt: number): PemBlock | null {
  const lines = text.slice(start, endAt).split("\n");
  const typeLine = (lines.shift() ?? "").replace(/[\r \t]+$/, "");
  if (!typeLine.endsWith(dashes)) return null;
  const type = typeLine.slice(0, -dashes.length);
  // Headers are lines with a colon, and nothing asks for them.
  while (lines[0]?.includes(":") === true) lines.shift();
  const [trailer = ""] = text.slice(endAt + end.length).split("\n", 1);
  if (trailer.replace(/[\r \t]+$/, "") !== `${type}${dashes}`) return null;
  const bytes = decodeBase64(lines.join("\n").replace(/[ \t]/g, ""), standardBase64);
  return bytes instanceof Uint8Array ? { type, bytes } : null;
}
