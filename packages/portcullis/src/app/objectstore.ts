// The objects of a cluster as an evaluator thread sees them: an index of texts in shared memory (objectshare.ts), from which
// `data.inventory` and Namespaces are read when a policy looks at them. An object is parsed when it is looked at; the trees
// that were looked at last are kept, up to a number of bytes of their texts.
//
// Rego remembers the sorted keys and the hash of an object by its identity. Branches of the inventory are therefore never
// changed: a branch below which something changed is made anew when it is next looked at, its neighbours stay.

import type { Answer, Need } from "@portcullis/lang";
import { stringAt } from "@portcullis/kube";
import { inventoryNeed } from "@portcullis/policy";
import {
  type DataChange,
  type SharedEntry,
  type SharedKey,
  type ToldChunk,
  chunkTexts,
  textOf,
} from "./objectshare.ts";

export interface ObjectStore {
  apply(change: DataChange): void;
  /** Null for what it does not hold. */
  answer(need: Need): Answer | null;
}

type Tree = Record<string, unknown>;

/** The objects of one kind in one namespace or, for "", of the cluster. */
interface Branch {
  readonly names: Map<string, SharedEntry>;
  tree: Tree | null;
}

/** By namespace, `apiVersion` and kind; namespace "" is the cluster's part. */
type Index = Map<string, Map<string, Map<string, Branch>>>;

interface State {
  readonly chunks: Map<number, ToldChunk>;
  /** Texts of packed chunks that were looked into last. */
  readonly opened: Map<number, Buffer>;
  readonly namespaces: Map<string, SharedEntry>;
  readonly index: Index;
  readonly parsed: Parsed;
  inventory: Tree | null;
  /** Trees of namespaces below which nothing changed since they were made. */
  readonly made: Map<string, Tree>;
}

/** How many bytes of texts are kept as trees, which are three to four times as large. */
const parsedBytesMax = 6 * 1024 * 1024;
/** How many packed chunks are kept unpacked: neighbours are looked at together. */
const openedMax = 8;

export function createObjectStore(): ObjectStore {
  const state: State = {
    chunks: new Map(),
    opened: new Map(),
    namespaces: new Map(),
    index: new Map(),
    parsed: createParsed(parsedBytesMax),
    inventory: null,
    made: new Map(),
  };
  return {
    apply: (change) => {
      apply(state, change);
    },
    answer: (need) => {
      if (need.kind === inventoryNeed.kind) return { value: inventory(state) };
      if (need.kind !== "object" || stringAt(need.call, "kind") !== "Namespace") return null;
      const entry = state.namespaces.get(stringAt(need.call, "name"));
      return entry === undefined ? null : { value: objectOf(state, entry) };
    },
  };
}

function apply(state: State, { chunks, entries, removed, emptied }: DataChange): void {
  for (const chunk of chunks) state.chunks.set(chunk.id, chunk);
  for (const entry of entries) {
    state.parsed.forget(textOf(entry));
    if (entry.shelf === "namespaces") state.namespaces.set(entry.name, entry);
    else branchOf(state, entry).names.set(entry.name, entry);
  }
  for (const key of removed) {
    state.parsed.forget(textOf(key));
    if (key.shelf === "namespaces") state.namespaces.delete(key.name);
    else removeFrom(state, key);
  }
  for (const id of emptied) {
    state.chunks.delete(id);
    state.opened.delete(id);
  }
}

/** The branch of an object; what was made of it and of all above it no longer holds. */
function branchOf(state: State, { namespace, apiVersion, kind }: SharedKey): Branch {
  const versions = state.index.get(namespace) ?? new Map<string, Map<string, Branch>>();
  const kinds = versions.get(apiVersion) ?? new Map<string, Branch>();
  const branch = kinds.get(kind) ?? { names: new Map<string, SharedEntry>(), tree: null };
  state.index.set(namespace, versions);
  versions.set(apiVersion, kinds);
  kinds.set(kind, branch);
  branch.tree = null;
  state.made.delete(namespace);
  state.inventory = null;
  return branch;
}

/** A branch without objects is not there at all: policies may ask whether it is. */
function removeFrom(state: State, key: SharedKey): void {
  const branch = branchOf(state, key);
  branch.names.delete(key.name);
  if (branch.names.size > 0) return;
  const versions = state.index.get(key.namespace);
  const kinds = versions?.get(key.apiVersion);
  kinds?.delete(key.kind);
  if (kinds?.size === 0) versions?.delete(key.apiVersion);
  if (versions?.size === 0) state.index.delete(key.namespace);
}

// ── trees

/** `cluster[apiVersion][kind][name]` and `namespace[namespace][apiVersion][kind][name]`. */
function inventory(state: State): Tree {
  if (state.inventory !== null) return state.inventory;
  const root = bare();
  const spaces = bare();
  for (const namespace of state.index.keys()) {
    if (namespace === "") root["cluster"] = treeOf(state, namespace);
    else spaces[namespace] = treeOf(state, namespace);
  }
  if (Object.keys(spaces).length > 0) root["namespace"] = spaces;
  state.inventory = root;
  return root;
}

function treeOf(state: State, namespace: string): Tree {
  const made = state.made.get(namespace);
  if (made !== undefined) return made;
  const tree = bare();
  for (const [apiVersion, kinds] of state.index.get(namespace) ?? []) {
    const ofVersion = bare();
    for (const [kind, branch] of kinds) ofVersion[kind] = branchTree(state, branch);
    tree[apiVersion] = ofVersion;
  }
  state.made.set(namespace, tree);
  return tree;
}

function branchTree(state: State, branch: Branch): Tree {
  if (branch.tree !== null) return branch.tree;
  const tree = bare();
  for (const [name, entry] of branch.names) {
    Object.defineProperty(tree, name, { enumerable: true, get: () => objectOf(state, entry) });
  }
  branch.tree = tree;
  return tree;
}

/** Without a prototype: names come from users. */
function bare(): Tree {
  return Object.create(null) as Tree;
}

function objectOf(state: State, entry: SharedEntry): unknown {
  const key = textOf(entry);
  const known = state.parsed.get(key, entry);
  if (known !== undefined) return known;
  // A decision that was put aside may hold a tree whose objects have moved: they are found where they are now.
  const value = state.chunks.has(entry.chunk) ? readObject(state, entry) : movedObject(state, entry);
  state.parsed.set(key, entry, value);
  return value;
}

function movedObject(state: State, { namespace, apiVersion, kind, name }: SharedEntry): unknown {
  const entry = state.index.get(namespace)?.get(apiVersion)?.get(kind)?.names.get(name);
  return entry === undefined ? null : readObject(state, entry);
}

function readObject(state: State, { chunk, start, length }: SharedEntry): unknown {
  const text = textsOf(state, chunk)?.toString("utf8", start, start + length);
  return text === undefined ? null : JSON.parse(text);
}

function textsOf({ chunks, opened }: State, id: number): Buffer | undefined {
  const chunk = chunks.get(id);
  if (chunk?.isPacked !== true) return chunk === undefined ? undefined : chunkTexts(chunk);
  const known = opened.get(id);
  if (known !== undefined) return known;
  const texts = chunkTexts(chunk);
  opened.set(id, texts);
  for (const oldest of opened.keys()) {
    if (opened.size <= openedMax) break;
    opened.delete(oldest);
  }
  return texts;
}

interface Parsed {
  get(key: string, entry: SharedEntry): unknown;
  set(key: string, entry: SharedEntry, value: unknown): void;
  forget(key: string): void;
}

/** The trees that were made last; the oldest go first. */
function createParsed(bytesMax: number): Parsed {
  const kept = new Map<string, { readonly entry: SharedEntry; readonly value: unknown }>();
  let bytes = 0;
  const forget = (key: string): void => {
    const one = kept.get(key);
    if (one === undefined) return;
    bytes -= one.entry.length;
    kept.delete(key);
  };
  return {
    forget,
    get: (key, entry) => {
      const one = kept.get(key);
      return one?.entry === entry ? one.value : undefined;
    },
    set: (key, entry, value) => {
      forget(key);
      kept.set(key, { entry, value });
      bytes += entry.length;
      for (const oldest of kept.keys()) {
        if (bytes <= bytesMax) break;
        forget(oldest);
      }
    },
  };
}
