// Texts that are looked at now and then, kept small: they are appended to a chunk, and a chunk that is full is compressed as a
// whole, because texts that are alike then cost little, and each compressed piece of memory costs a native handle. What was
// looked at last stays open, so that texts are read cheaply in the order in which they were put. A chunk that is mostly
// garbage is emptied: what still lives in it is appended anew.

import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Where a text lies; as long as it is not dropped. */
export interface ShelfText {
  chunk: Chunk | null;
  start: number;
  /** In bytes of UTF-8. */
  readonly length: number;
}

export interface Shelf {
  put(text: string): ShelfText;
  get(text: ShelfText): string;
  drop(text: ShelfText): void;
  /** Of what is compressed. */
  readonly packedBytes: number;
  /** Of the texts. */
  readonly bytes: number;
}

interface Chunk {
  packed: Uint8Array;
  /** Of what is packed. */
  used: number;
  live: number;
  texts: ShelfText[];
}

const chunkBytes = 64 * 1024;
/** Chunks that stay open. */
const openedMax = 4;

interface State {
  /** What is appended to. */
  current: Chunk;
  readonly buffer: Buffer;
  readonly opened: Map<Chunk, Buffer>;
  packedBytes: number;
  bytes: number;
}

export function createShelf(): Shelf {
  const state: State = {
    current: newChunk(),
    buffer: Buffer.allocUnsafeSlow(chunkBytes),
    opened: new Map(),
    packedBytes: 0,
    bytes: 0,
  };
  return {
    put: (text) => {
      const length = Buffer.byteLength(text);
      const one: ShelfText = { chunk: null, start: 0, length };
      state.bytes += length;
      place(state, one, (buffer, at) => buffer.write(text, at, "utf8"));
      return one;
    },
    get: (text) =>
      text.chunk === null ? "" : rawOf(state, text.chunk).toString("utf8", text.start, text.start + text.length),
    drop: (text) => drop(state, text),
    get packedBytes() {
      return state.packedBytes;
    },
    get bytes() {
      return state.bytes;
    },
  };
}

function newChunk(): Chunk {
  return { packed: nothing, used: 0, live: 0, texts: [] };
}

const nothing = new Uint8Array(0);

type Write = (buffer: Buffer, at: number) => void;

function place(state: State, text: ShelfText, write: Write): void {
  if (text.length > chunkBytes) {
    // One of its own.
    const own = Buffer.allocUnsafeSlow(text.length);
    write(own, 0);
    const chunk = { ...newChunk(), used: text.length, live: text.length, texts: [text] };
    text.chunk = chunk;
    text.start = 0;
    pack(state, chunk, own);
    return;
  }
  if (state.current.used + text.length > chunkBytes) seal(state);
  const { current, buffer } = state;
  write(buffer, current.used);
  text.chunk = current;
  text.start = current.used;
  current.used += text.length;
  current.live += text.length;
  current.texts.push(text);
}

function seal(state: State): void {
  const { current, buffer } = state;
  state.current = newChunk();
  if (current.live === 0) return;
  pack(state, current, buffer.subarray(0, current.used));
  if (isPoor(current)) empty(state, current);
}

function pack(state: State, chunk: Chunk, raw: Buffer): void {
  // What zlib gives lies in a buffer of 16 KiB.
  chunk.packed = new Uint8Array(deflateRawSync(raw, { level: 1 }));
  state.packedBytes += chunk.packed.length;
}

function rawOf(state: State, chunk: Chunk): Buffer {
  const { opened } = state;
  if (chunk === state.current) return state.buffer;
  const known = opened.get(chunk);
  if (known !== undefined) return known;
  // One byte more than needed, or zlib allocates a second buffer to find out that it has ended.
  const raw = inflateRawSync(chunk.packed, { chunkSize: Math.max(64, chunk.used + 1) });
  opened.set(chunk, raw);
  for (const oldest of opened.keys()) {
    if (opened.size <= openedMax) break;
    opened.delete(oldest);
  }
  return raw;
}

function drop(state: State, text: ShelfText): void {
  const { chunk } = text;
  if (chunk === null) return;
  text.chunk = null;
  chunk.live -= text.length;
  state.bytes -= text.length;
  if (chunk !== state.current && isPoor(chunk)) empty(state, chunk);
}

function isPoor({ live, used }: Chunk): boolean {
  return live * 2 < used;
}

/** Appends what lives in a chunk anew, and forgets it. */
function empty(state: State, chunk: Chunk): void {
  const living = chunk.texts.filter((text) => text.chunk === chunk);
  const raw = living.length === 0 ? null : rawOf(state, chunk);
  state.opened.delete(chunk);
  state.packedBytes -= chunk.packed.length;
  chunk.packed = nothing;
  chunk.texts = [];
  for (const text of living) {
    const { start, length } = text;
    place(state, text, (buffer, at) => raw?.copy(buffer, at, start, start + length));
  }
}
