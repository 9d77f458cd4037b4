// The objects of a cluster that policies look at, as bytes in memory that all threads share: ten thousand Pods are held once,
// as compressed text and not as a tree in every thread. The main thread appends texts to chunks and tells the others where each object
// lies; bytes that were told are never written again. A chunk that is full is compressed as a whole, which takes its place: one
// object by itself would be compressed worse, and each compression costs a native handle. A chunk that is mostly garbage is
// emptied: what still lives in it is appended anew, and the chunk is forgotten.

import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Which object; `namespaces` are known apart from what policies see as the inventory. */
export interface SharedKey {
  readonly shelf: "namespaces" | "inventory";
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Where an object's text (JSON in UTF-8) lies, in a chunk that is not packed or that was unpacked. */
export interface SharedEntry extends SharedKey {
  readonly chunk: number;
  readonly start: number;
  readonly length: number;
}

export interface ToldChunk {
  readonly id: number;
  readonly bytes: SharedArrayBuffer;
  readonly isPacked: boolean;
}

/** What other threads have to hear. A chunk that they know already takes the place of what they know. */
export interface DataChange {
  readonly chunks: readonly ToldChunk[];
  readonly entries: readonly SharedEntry[];
  readonly removed: readonly SharedKey[];
  /** Chunks that nothing lies in any more, once the entries are taken. */
  readonly emptied: readonly number[];
}

export interface ObjectShare {
  set(key: SharedKey, object: unknown): void;
  remove(key: SharedKey): void;
  /** What changed since it was asked last, of which those who listen hear too; null when nothing did. */
  take(): DataChange | null;
  /** Everything, for a thread that starts; what `take` will give is in it too. */
  all(): DataChange;
  listen(handler: (change: DataChange) => void): () => void;
  readonly size: number;
  /** Of the texts, without what is garbage. */
  readonly bytes: number;
}

interface Chunk {
  readonly id: number;
  bytes: SharedArrayBuffer;
  isPacked: boolean;
  used: number;
  live: number;
}

const chunkBytes = 256 * 1024;

interface State {
  readonly entries: Map<string, SharedEntry>;
  readonly chunks: Map<number, Chunk>;
  readonly changed: Map<string, SharedEntry | SharedKey>;
  /** Chunks that nobody was told of yet. */
  readonly fresh: Set<number>;
  readonly emptied: Set<number>;
  readonly listeners: Set<(change: DataChange) => void>;
  current: Chunk | null;
  nextId: number;
  bytes: number;
}

export function createObjectShare(): ObjectShare {
  const state: State = {
    entries: new Map(),
    chunks: new Map(),
    changed: new Map(),
    fresh: new Set(),
    emptied: new Set(),
    listeners: new Set(),
    current: null,
    nextId: 0,
    bytes: 0,
  };
  return {
    set: (key, object) => {
      const text = JSON.stringify(object);
      drop(state, textOf(key));
      place(state, key, Buffer.byteLength(text), (bytes, at) => bytes.write(text, at, "utf8"));
    },
    remove: (key) => {
      const text = textOf(key);
      if (!state.entries.has(text)) return;
      drop(state, text);
      state.changed.set(text, keyOf(key));
    },
    take: () => {
      tidy(state);
      const { changed, fresh, emptied } = state;
      if (changed.size === 0 && emptied.size === 0) return null;
      const change = {
        chunks: [...fresh].flatMap((id) => state.chunks.get(id) ?? []).map(toldChunk),
        entries: [...changed.values()].filter((one): one is SharedEntry => "chunk" in one),
        removed: [...changed.values()].filter((one) => !("chunk" in one)),
        emptied: [...emptied],
      };
      for (const told of [changed, fresh, emptied]) told.clear();
      for (const handler of state.listeners) handler(change);
      return change;
    },
    all: () => ({
      chunks: [...state.chunks.values()].map(toldChunk),
      entries: [...state.entries.values()],
      removed: [],
      emptied: [],
    }),
    listen: (handler) => {
      state.listeners.add(handler);
      return () => state.listeners.delete(handler);
    },
    get size() {
      return state.entries.size;
    },
    get bytes() {
      return state.bytes;
    },
  };
}

function toldChunk({ id, bytes, isPacked }: Chunk): ToldChunk {
  return { id, bytes, isPacked };
}

/** A chunk that has room. */
function open(state: State, length: number): Chunk {
  const { current } = state;
  if (current !== null && current.used + length <= current.bytes.byteLength) return current;
  if (current !== null) seal(state, current);
  const bytes = new SharedArrayBuffer(Math.max(chunkBytes, length));
  const chunk: Chunk = { id: state.nextId++, bytes, isPacked: false, used: 0, live: 0 };
  state.chunks.set(chunk.id, chunk);
  state.fresh.add(chunk.id);
  state.current = chunk;
  return chunk;
}

/** Whoever still reads the bytes of before has them. */
function seal(state: State, chunk: Chunk): void {
  const packed = deflateRawSync(Buffer.from(chunk.bytes, 0, chunk.used), { level: 1 });
  chunk.bytes = new SharedArrayBuffer(packed.length);
  chunk.isPacked = true;
  packed.copy(Buffer.from(chunk.bytes));
  state.fresh.add(chunk.id);
}

/** The texts of a chunk. */
export function chunkTexts({ bytes, isPacked }: Pick<ToldChunk, "bytes" | "isPacked">): Buffer {
  return isPacked ? inflateRawSync(Buffer.from(bytes)) : Buffer.from(bytes);
}

type Write = (bytes: Buffer, at: number) => void;

function place(state: State, key: SharedKey, length: number, write: Write): void {
  const chunk = open(state, length);
  write(Buffer.from(chunk.bytes), chunk.used);
  const entry = { ...keyOf(key), chunk: chunk.id, start: chunk.used, length };
  chunk.used += length;
  chunk.live += length;
  state.bytes += length;
  state.entries.set(textOf(key), entry);
  state.changed.set(textOf(key), entry);
}

function drop(state: State, key: string): void {
  const entry = state.entries.get(key);
  if (entry === undefined) return;
  state.entries.delete(key);
  state.bytes -= entry.length;
  const chunk = state.chunks.get(entry.chunk);
  if (chunk !== undefined) chunk.live -= entry.length;
}

/** Empties chunks that are done with and more garbage than not. */
function tidy(state: State): void {
  const poor = [...state.chunks.values()].filter((chunk) => chunk !== state.current && chunk.live * 2 < chunk.used);
  if (poor.length === 0) return;
  const texts = new Map(poor.filter(({ live }) => live > 0).map((chunk) => [chunk.id, chunkTexts(chunk)]));
  for (const entry of Array.from(state.entries.values())) {
    const from = texts.get(entry.chunk);
    if (from === undefined) continue;
    const { start, length } = entry;
    drop(state, textOf(entry));
    place(state, entry, length, (to, at) => from.copy(to, at, start, start + length));
  }
  for (const { id } of poor) {
    state.chunks.delete(id);
    state.fresh.delete(id);
    state.emptied.add(id);
  }
}

function keyOf({ shelf, apiVersion, kind, namespace, name }: SharedKey): SharedKey {
  return { shelf, apiVersion, kind, namespace, name };
}

export function textOf({ shelf, apiVersion, kind, namespace, name }: SharedKey): string {
  return `${shelf} ${apiVersion} ${kind} ${namespace}/${name}`;
}
