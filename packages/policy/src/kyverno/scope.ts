// What the expressions of a rule see: one JSON object with `request`, `serviceAccountName`, `element`, `target` and the
// rule's context entries. It changes while a rule is evaluated and is put back afterwards, so that nothing leaks into the
// next rule or element: values are never written to, only replaced along their path, which makes a checkpoint the copy of
// one small object.
//
// Context entries are loaded when a query first mentions them. Each entry belongs to the level (number of checkpoints) at
// which it was added. An entry that loads sees only those before it. After a reset, entries of outer levels that were
// loaded are stored again: what was fetched as it was, a variable computed anew. These rules, with the corners that
// policies can observe, are those of Kyverno: pkg/engine/context/{context,deferred}.go.

import { isObject } from "@portcullis/kube";
import type { Profile } from "../engine/frontend.ts";
import type { Evaluation, EvaluationRequest, Json } from "../engine/request.ts";
import { Failure, failureOf, prefixing } from "./failure.ts";
import type { Query, QueryContext } from "./query.ts";

/** A context entry, compiled when the policy was read. */
export interface ContextEntry {
  readonly name: string;
  /** A variable: computed again after each reset, and replacing what has its name; others are fetched once and merged. */
  readonly recomputed: boolean;
  /** The value of the entry. Throws Failure, Suspend, LimitError. */
  load(scope: Scope): Json;
}

export interface ScopeOptions {
  readonly request: EvaluationRequest;
  readonly evaluation: Evaluation;
  readonly profile: Profile;
  /** The policy's namespace; "" for a cluster policy. */
  readonly policyNamespace: string;
  /** What is there from the start: `request`, `serviceAccountName`, values given on the command line. */
  readonly data: ContextData;
  /** An entry that is there from the start. */
  readonly entry?: ContextEntry;
  /** In bytes of JSON, 0 for no limit; Kyverno's `maxContextSize`, 2 MiB when absent. */
  readonly sizeMax?: number;
  /** Queries answer as Kyverno's do where ours deviate; no when absent. */
  readonly peerAnswers?: boolean;
}

export type ContextData = Readonly<Record<string, Json>>;

interface Loader {
  readonly entry: ContextEntry;
  readonly level: number;
  matched: boolean;
  /** What was loaded; undefined before. */
  loaded: Json;
}

/** What looking for an entry's name in a query is charged as. */
const stepsPerEntry = 8;

interface Checkpoint {
  readonly data: ContextData;
  readonly size: number;
  /** How many there are, with this one. */
  readonly level: number;
  readonly before: Checkpoint | null;
}

export class Scope {
  readonly request: EvaluationRequest;
  readonly evaluation: Evaluation;
  readonly profile: Profile;
  readonly policyNamespace: string;
  /** What queries may use. */
  readonly queryContext: QueryContext;
  #data: ContextData;
  #checkpoint: Checkpoint | null = null;
  readonly #loaders: Loader[];
  /** While an entry loads: its level and place, which limit what it sees. */
  #loading: { readonly level: number; readonly before: number } | null = null;
  /** Of the entries that are loaded now, in bytes. */
  #size = 0;
  readonly #sizeMax: number;

  constructor(options: ScopeOptions) {
    this.request = options.request;
    this.evaluation = options.evaluation;
    this.profile = options.profile;
    this.policyNamespace = options.policyNamespace;
    const { world, budget } = options.evaluation;
    this.queryContext = { world, budget, peerAnswers: options.peerAnswers === true };
    this.#data = options.data;
    const { entry } = options;
    this.#loaders = entry === undefined ? [] : [{ entry, level: 0, matched: false, loaded: undefined }];
    this.#sizeMax = options.sizeMax ?? 2 * 1024 * 1024;
  }

  /** What queries search in. Entries that nothing has asked for are not in it. */
  get data(): ContextData {
    return this.#data;
  }

  /** `request.operation`, "" when there is none. */
  get operation(): string {
    const request = this.#data["request"];
    const operation = isObject(request) ? request["operation"] : undefined;
    return typeof operation === "string" ? operation : "";
  }

  /** The value of a query, with the entries it mentions loaded. Throws Failure with Kyverno's text, Suspend, LimitError. */
  query(query: Query): Json {
    this.#prepare(query);
    return prefixing("JMESPath query failed", () => query.search(this.#data, this.queryContext));
  }

  /** The same, where a missing key is an answer and not a failure. */
  find(query: Query): ReturnType<Query["find"]> {
    try {
      this.#prepare(query);
    } catch (error) {
      if (failureOf(error).missingKey) return "missing";
      throw error;
    }
    return prefixing("JMESPath query failed", () => query.find(this.#data, this.queryContext));
  }

  #prepare(query: Query): void {
    this.#loadMentioned(query);
    if (query.text.trim() === "") throw new Failure("invalid query (nil)");
    if (query.problem !== null) throw new Failure(`incorrect query ${query.text.trim()}: ${query.problem}`);
  }

  /** Whether there is a value of this name at the top, loaded entries included. */
  has(name: string): boolean {
    return Object.hasOwn(this.#data, name);
  }

  /** Puts a value at a path. Objects are merged with what is there; anything else replaces it. */
  merge(path: readonly string[], value: Json): void {
    this.#data = mergedAt(this.#data, path, value) as ContextData;
  }

  /** Puts a value at a path in place of whatever is there. */
  replace(path: readonly string[], value: Json): void {
    this.#data = replacedAt(this.#data, path, value) as ContextData;
  }

  /** The element of a `foreach`, its index, and both under the names of their nesting (`element0`). */
  setElement(element: Json, index: Json, nesting: number): void {
    if (nesting === 0) {
      this.#data = { ...this.#data, element, elementIndex: index, element0: element, elementIndex0: index };
      return;
    }
    const names = { [`element${nesting}`]: element, [`elementIndex${nesting}`]: index };
    this.#data = { ...this.#data, element, elementIndex: index, ...names };
  }

  /** Adds entries that are loaded when they are needed, in the order in which they may see each other. */
  addEntries(entries: readonly ContextEntry[]): void {
    const level = this.#level;
    for (const entry of entries) this.#loaders.push({ entry, level, matched: false, loaded: undefined });
  }

  /** Remembers the state; `restore` returns to it. */
  checkpoint(): void {
    this.#checkpoint = { data: this.#data, size: this.#size, level: this.#level + 1, before: this.#checkpoint };
  }

  /** Returns to the last checkpoint and forgets it. */
  restore(): void {
    const checkpoint = this.#checkpoint;
    if (checkpoint === null) return;
    this.#checkpoint = checkpoint.before;
    this.#return(checkpoint, true);
  }

  /** Returns to the last checkpoint and keeps it: what a loop does before each element. */
  reset(): void {
    if (this.#checkpoint !== null) this.#return(this.#checkpoint, false);
  }

  /** Runs something between a checkpoint and its restoring, also when it throws. */
  within<Result>(run: () => Result): Result {
    this.checkpoint();
    try {
      return run();
    } finally {
      this.restore();
    }
  }

  /** The number of checkpoints. */
  get #level(): number {
    return this.#checkpoint === null ? 0 : this.#checkpoint.level;
  }

  #return({ data, size }: Checkpoint, restoring: boolean): void {
    this.#data = data;
    this.#size = size;
    this.#resetLoaders(restoring);
  }

  // ── deferred loading

  #loadMentioned(query: Query): void {
    const level = this.#loading?.level ?? this.#level;
    const before = this.#loading?.before ?? this.#loaders.length;
    for (let found = this.#next(query, level, before); found !== -1; found = this.#next(query, level, before)) {
      this.#load(this.#loaders[found] as Loader, found);
    }
  }

  #next(query: Query, level: number, before: number): number {
    const end = Math.min(before, this.#loaders.length);
    this.evaluation.budget.step(end * stepsPerEntry);
    for (let at = 0; at < end; at++) {
      const loader = this.#loaders[at] as Loader;
      if (loader.matched || loader.loaded !== undefined || loader.level > level) continue;
      if (!query.mentions(loader.entry.name)) continue;
      loader.matched = true;
      return at;
    }
    return -1;
  }

  #load(loader: Loader, at: number): void {
    this.#loading = { level: loader.level, before: at };
    try {
      const value = loader.entry.recomputed || loader.loaded === undefined ? loader.entry.load(this) : loader.loaded;
      // An entry may come to nothing: then what asks for it fails, and the entry is tried again later.
      if (value === undefined) return;
      this.#store(loader.entry, value);
      loader.loaded = value;
    } finally {
      // Kyverno forgets the limits of an outer load here too: what follows in it sees later entries.
      this.#loading = null;
    }
  }

  #store(entry: ContextEntry, value: Json): void {
    const size = this.#size + jsonSize(value);
    if (this.#sizeMax > 0 && size > this.#sizeMax) {
      throw new Failure(`context size limit exceeded: ${size} bytes exceeds limit of ${this.#sizeMax} bytes`);
    }
    this.#size = size;
    if (entry.recomputed) this.replace([entry.name], value);
    else this.merge([entry.name], value);
  }

  #resetLoaders(restoring: boolean): void {
    const level = this.#level;
    for (const loader of this.#loaders) loader.matched = false;
    for (let at = 0; at < this.#loaders.length; at++) {
      const loader = this.#loaders[at] as Loader;
      if (loader.level > level || !this.#keeps(loader, { at, level, restoring })) this.#loaders.splice(at--, 1);
    }
  }

  /** Whether an entry stays among those that can be loaded; stores it again where its value was lost. */
  #keeps(loader: Loader, { at, level, restoring }: { at: number; level: number; restoring: boolean }): boolean {
    if (loader.loaded === undefined) return restoring || loader.level !== level;
    if (restoring || loader.level < level) this.#loadAgain(loader, at);
    return loader.level !== level;
  }

  #loadAgain(loader: Loader, at: number): void {
    try {
      this.#load(loader, at);
    } catch (error) {
      // What cannot be computed here (it needs an element) is left out, and asking for it fails.
      failureOf(error);
    }
  }
}

function mergedAt(target: Json, path: readonly string[], value: Json): Json {
  const [step, ...rest] = path;
  if (step === undefined) return merged(target, value);
  const record = isObject(target) ? target : {};
  return { ...record, [step]: mergedAt(Object.hasOwn(record, step) ? record[step] : undefined, rest, value) };
}

function merged(target: Json, value: Json): Json {
  if (!isObject(target) || !isObject(value)) return value;
  const result: Record<string, Json> = { ...target };
  for (const key of Object.keys(value)) {
    setMember(result, key, merged(Object.hasOwn(target, key) ? target[key] : undefined, value[key]));
  }
  return result;
}

function setMember(target: Record<string, Json>, key: string, value: Json): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

function replacedAt(target: Json, path: readonly string[], value: Json): Json {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const record = isObject(target) ? target : {};
  return { ...record, [step]: replacedAt(Object.hasOwn(record, step) ? record[step] : undefined, rest, value) };
}

/** The length of a value as JSON, about: escapes are not counted. */
export function jsonSize(value: Json): number {
  if (typeof value === "string") return value.length + 2;
  if (Array.isArray(value)) return value.reduce((sum: number, item: Json) => sum + jsonSize(item) + 1, 1);
  if (isObject(value)) {
    let size = 1;
    for (const key of Object.keys(value)) size += key.length + 4 + jsonSize(value[key]);
    return size;
  }
  return typeof value === "number" ? String(value).length : 4;
}
