// The objects of a cluster that policies look at, as bytes in memory that all threads share: ten thousand Pods are held once,
// as compressed text, and not as a tree in every thread. The main thread appends texts to chunks and tells the others where each object
// lies; bytes that were told are never written again. A chunk that is mostly garbage is emptied: what still lives in it is
// appended anew, and the chunk is forgotten.

import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Which object; `namespaces` are known apart from what policies see as the inventory. */
export interface SharedKey {
  readonly shelf: "namespaces" | "inventory";
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Where an object's text (JSON, packed) lies. */
export interface SharedEntry extends SharedKey {
  readonly chunk: number;
  readonly start: number;
  readonly length: number;
}

/** What other threads have to hear. */
export interface DataChange {
  readonly chunks: readonly { readonly id: number; readonly bytes: SharedArrayBuffer }[];
  readonly entries: readonly SharedEntry[];
  readonly removed: readonly SharedKey[];
  /** Chunks that nothing lies in any more, once the entries are taken. */
  readonly emptied: readonly number[];
}

export interface ObjectShare {
  set(key: SharedKey, object: unknown): void;
  remove(key: SharedKey): void;
  /** What changed since it was asked last; null when nothing did. */
  take(): DataChange | null;
  /** Everything, for a thread that starts; what `take` will give is in it too. */
  all(): DataChange;
  readonly size: number;
  /** Of the texts, without what is garbage. */
  readonly bytes: number;
}

interface Chunk {
  readonly id: number;
  readonly bytes: SharedArrayBuffer;
  readonly buffer: Buffer;
  used: number;
  live: number;
}

const chunkBytes = 1024 * 1024;

interface State {
  readonly entries: Map<string, SharedEntry>;
  readonly chunks: Map<number, Chunk>;
  readonly changed: Map<string, SharedEntry | SharedKey>;
  /** Chunks that nobody was told of yet. */
  readonly fresh: Set<number>;
  readonly emptied: Set<number>;
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
    current: null,
    nextId: 0,
    bytes: 0,
  };
  return {
    set: (key, object) => {
      const packed = deflateRawSync(JSON.stringify(object), { level: 1 });
      drop(state, textOf(key));
      place(state, key, packed.length, (chunk) => packed.copy(chunk.buffer, chunk.used));
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
      return change;
    },
    all: () => ({
      chunks: [...state.chunks.values()].map(toldChunk),
      entries: [...state.entries.values()],
      removed: [],
      emptied: [],
    }),
    get size() {
      return state.entries.size;
    },
    get bytes() {
      return state.bytes;
    },
  };
}

function toldChunk({ id, bytes }: Chunk): DataChange["chunks"][number] {
  return { id, bytes };
}

/** A chunk that has room. A large object has one of its own, and the present one goes on. */
function open(state: State, length: number): Chunk {
  const { current } = state;
  if (current !== null && current.used + length <= current.buffer.length) return current;
  const bytes = new SharedArrayBuffer(Math.max(chunkBytes, length));
  const chunk: Chunk = { id: state.nextId++, bytes, buffer: Buffer.from(bytes), used: 0, live: 0 };
  state.chunks.set(chunk.id, chunk);
  state.fresh.add(chunk.id);
  if (length < chunkBytes / 2 || current === null) state.current = chunk;
  return chunk;
}

function place(state: State, key: SharedKey, length: number, write: (chunk: Chunk) => void): void {
  const chunk = open(state, length);
  write(chunk);
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
  const ids = new Map(poor.map((chunk) => [chunk.id, chunk]));
  for (const entry of Array.from(state.entries.values())) {
    const from = ids.get(entry.chunk);
    if (from === undefined) continue;
    const { start, length } = entry;
    drop(state, textOf(entry));
    place(state, entry, length, (to) => from.buffer.copy(to.buffer, to.used, start, start + length));
  }
  for (const { id } of poor) {
    state.chunks.delete(id);
    if (!state.fresh.delete(id)) state.emptied.add(id);
  }
}

function keyOf({ shelf, apiVersion, kind, namespace, name }: SharedKey): SharedKey {
  return { shelf, apiVersion, kind, namespace, name };
}

/** The object whose text lies in these bytes. */
export function unpacked(bytes: Buffer): unknown {
  return JSON.parse(inflateRawSync(bytes).toString("utf8"));
}

export function textOf({ shelf, apiVersion, kind, namespace, name }: SharedKey): string {
  return `${shelf} ${apiVersion} ${kind} ${namespace}/${name}`;
}
