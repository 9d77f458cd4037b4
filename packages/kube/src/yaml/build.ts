// Parser events into a JSON tree, as Go would decode them. One pass with an explicit stack; an alias becomes a copy of
// what its anchor holds, and every node that is decoded, copies included, is counted, because go-yaml refuses documents
// whose nodes come mostly from aliases (the "billion laughs" attack). Merge keys (`<<`) follow the dialect: go-yaml v2
// writes the merged keys where `<<` stands, v3 after all other keys and without replacing any.
// Behaviour from go.yaml.in/yaml/v2 decode.go (mapping, merge, alias, allowedAliasRatio) and v3 decode.go.

import { type AnyNumber, Decimal } from "@portcullis/lang";
import { EVENT_ID, type Event, SCALAR_STYLE, type ScalarEvent, getScalarValue } from "js-yaml";
import { setOwn } from "../own.ts";
import { NotFinite, type ScalarValue, type YamlDialect, keyText, resolvePlain } from "./scalar.ts";
import { resolveTagged, tagOf } from "./tag.ts";

/** Something wrong at an offset of the text that was parsed. */
export class YamlProblem extends Error {
  readonly offset: number;
  readonly hint: string | undefined;

  constructor(offset: number, message: string, hint?: string) {
    super(message);
    this.name = "YamlProblem";
    this.offset = offset;
    this.hint = hint;
  }
}

export type JsonTree = null | boolean | AnyNumber | string | JsonTree[] | { [key: string]: JsonTree };
export type JsonObject = { [key: string]: JsonTree };

export interface BuildOptions {
  readonly dialect: YamlDialect;
  /** Duplicate keys are reported; otherwise the last one wins (v3 always reports them). */
  readonly strict: boolean;
  /** The text ends within a line, to which nothing has added an end. */
  readonly isOpen: boolean;
  readonly report: (problem: YamlProblem) => void;
}

/** One document of the event stream and the offset of its first node. */
export interface Built {
  readonly value: JsonTree;
  readonly start: number;
}

interface Frame {
  readonly target: JsonTree[] | JsonObject;
  readonly anchor: string | null;
  readonly countBefore: number;
  /** For mappings: the key whose value comes next, and where it stands. */
  key: string | null;
  keyAt: number;
  mergeNext: boolean;
  /** v3 applies merges last. */
  lateMerge: JsonTree | undefined;
  lateMergeAt: number;
  /** Offsets of the keys already seen; made only where duplicates are reported. */
  readonly seen: Map<string, number> | null;
}

interface Anchored {
  /** Undefined while the node is still open: an alias to it would contain itself. */
  value: JsonTree | undefined;
  nodes: number;
}

interface State {
  readonly text: string;
  readonly options: BuildOptions;
  readonly stack: Frame[];
  readonly anchors: Map<string, Anchored>;
  decoded: number;
  aliased: number;
  duplicates: number;
  root: JsonTree | undefined;
  rootStart: number;
}

/** The documents of an event stream. Throws YamlProblem. */
export function buildDocuments(text: string, events: readonly Event[], options: BuildOptions): Built[] {
  const documents: Built[] = [];
  let state = newState(text, options);
  for (const event of events) {
    switch (event.type) {
      case EVENT_ID.DOCUMENT: {
        state = newState(text, options);
        const version = event.directives.find((directive) => directive.kind === "yaml")?.version;
        if (version !== undefined && version !== "1.1")
          throw new YamlProblem(0, "found incompatible YAML document", "leave the %YAML directive out");
        break;
      }
      case EVENT_ID.SCALAR:
        takeScalar(state, event);
        break;
      case EVENT_ID.ALIAS:
        takeAlias(state, text.slice(event.anchorStart, event.anchorEnd), event.anchorStart);
        break;
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING:
        open(state, event);
        break;
      case EVENT_ID.POP:
        if (state.stack.length > 0) close(state);
        else documents.push({ value: state.root ?? null, start: Math.max(0, state.rootStart) });
        break;
    }
  }
  return documents;
}

function newState(text: string, options: BuildOptions): State {
  const counts = { decoded: 0, aliased: 0, duplicates: 0 };
  return { text, options, stack: [], anchors: new Map(), ...counts, root: undefined, rootStart: -1 };
}

function takeScalar(state: State, event: ScalarEvent): void {
  state.decoded++;
  const at = Math.max(0, event.valueStart);
  const frame = state.stack.at(-1);
  const isKey = frame !== undefined && frame.key === null && !frame.mergeNext && !Array.isArray(frame.target);
  const text = scalarText(state, event);
  const value = scalarValue(state, event, text);
  if (event.anchorStart >= 0) {
    const anchored = value instanceof NotFinite ? null : value;
    state.anchors.set(anchorName(state, event), { value: anchored, nodes: 1 });
  }
  if (isKey) takeKey(state, frame, value, { at, text, merge: isMergeKey(event, state.text) });
  else place(state, finite(value, at), at);
}

/** go-yaml adds no line end to a block scalar that the end of the text cuts off; a line reader before it has added one. */
function scalarText(state: State, event: ScalarEvent): string {
  const text = getScalarValue(state.text, event);
  const cutOff =
    (event.style === SCALAR_STYLE.LITERAL_BLOCK || event.style === SCALAR_STYLE.FOLDED_BLOCK) &&
    state.options.isOpen &&
    event.valueEnd === state.text.length;
  return cutOff && text.endsWith("\n") ? text.slice(0, -1) : text;
}

function scalarValue(state: State, event: ScalarEvent, text: string): ScalarValue {
  if (event.tagStart >= 0) {
    const tag = tagOf(state.text.slice(event.tagStart, event.tagEnd));
    const resolved = resolveTagged(tag, text, state.options.dialect);
    if (resolved === undefined)
      throw new YamlProblem(
        event.tagStart,
        `cannot decode \`${text}\` as a ${tag}`,
        "remove the tag or mend the value",
      );
    return resolved;
  }
  return event.style === SCALAR_STYLE.PLAIN ? resolvePlain(text, state.options.dialect) : text;
}

function isMergeKey(event: ScalarEvent, text: string): boolean {
  if (event.valueEnd - event.valueStart !== 2 || text.slice(event.valueStart, event.valueEnd) !== "<<") return false;
  return event.tagStart >= 0
    ? tagOf(text.slice(event.tagStart, event.tagEnd)) === "!!merge"
    : event.style === SCALAR_STYLE.PLAIN;
}

function finite(value: ScalarValue, at: number): JsonTree {
  if (value instanceof NotFinite)
    throw new YamlProblem(at, `json: unsupported value: ${value.text}`, "JSON has no such number; quote it");
  return value;
}

interface KeyPlace {
  readonly at: number;
  readonly text: string;
  readonly merge: boolean;
}

function takeKey(state: State, frame: Frame, value: ScalarValue, { at, text, merge }: KeyPlace): void {
  if (merge) {
    frame.mergeNext = true;
    frame.keyAt = at;
    return;
  }
  const key = state.options.dialect === "yaml.v3" ? keyOfV3(state, value, { at, text }) : keyText(text, value);
  if (key === null)
    throw new YamlProblem(at, `unsupported map key: ${value === null ? "null" : text}`, "quote the key");
  frame.key = key;
  frame.keyAt = at;
  noteKey(state, frame, key, at);
}

/** v3 decodes the outermost keys into strings as they are written; further down only strings survive the way to JSON. */
function keyOfV3(state: State, value: ScalarValue, key: Omit<KeyPlace, "merge">): string | null {
  if (value === null) return null;
  if (state.stack.length === 1) return key.text;
  if (value !== key.text)
    throw new YamlProblem(key.at, "json: unsupported type: map[interface {}]interface {}", "quote the key");
  return value;
}

/** How many keys that stand twice are told of a document. */
const mostDuplicates = 100;

function noteKey(state: State, frame: Frame, key: string, at: number): void {
  if (frame.seen === null) return;
  if (frame.seen.has(key)) {
    // Whoever wrote the first hundred will find the others.
    if (++state.duplicates > mostDuplicates) return;
    const message = `key ${JSON.stringify(key)} already set in map`;
    state.options.report(new YamlProblem(at, message, duplicateHint(state, key)));
  } else frame.seen.set(key, at);
}

/** Two objects with nothing between them read as one. */
function duplicateHint({ stack }: State, key: string): string {
  const isNext = stack.length === 1 && (key === "apiVersion" || key === "kind");
  const missing = isNext ? ", or put `---` between two objects" : "";
  return `a key may stand only once in a mapping; keep one of them${missing}`;
}

function takeAlias(state: State, name: string, at: number): void {
  const anchored = state.anchors.get(name);
  if (anchored === undefined) throw new YamlProblem(at, `unknown anchor '${name}' referenced`);
  if (anchored.value === undefined) throw new YamlProblem(at, `anchor '${name}' value contains itself`);
  state.decoded += 1 + anchored.nodes;
  state.aliased += anchored.nodes;
  checkAliases(state, at);
  const frame = state.stack.at(-1);
  const { value } = anchored;
  if (frame === undefined || frame.key !== null || frame.mergeNext || Array.isArray(frame.target)) {
    place(state, copy(value), at);
    return;
  }
  if (typeof value === "object" && value !== null && !(value instanceof Decimal))
    throw new YamlProblem(at, "invalid map key: a mapping or sequence cannot be a key");
  takeKey(state, frame, value, { at, text: String(value), merge: false });
}

/** go-yaml: 99 % of the nodes may come from aliases in a small document, 10 % in one of four million nodes. */
function checkAliases(state: State, at: number): void {
  const { decoded, aliased } = state;
  if (aliased <= 100 || decoded <= 1000) return;
  const low = 400_000;
  const high = 4_000_000;
  const allowed = decoded <= low ? 0.99 : decoded >= high ? 0.1 : 0.99 - 0.89 * ((decoded - low) / (high - low));
  if (aliased / decoded > allowed) throw new YamlProblem(at, "document contains excessive aliasing");
}

function copy(value: JsonTree): JsonTree {
  if (typeof value !== "object" || value === null || value instanceof Decimal) return value;
  if (Array.isArray(value)) return value.map((element) => copy(element));
  const target: JsonObject = {};
  for (const key of Object.keys(value)) setOwn(target, key, copy(value[key] ?? null));
  return target;
}

type OpenEvent = Extract<Event, { start: number }>;

function open(state: State, event: OpenEvent): void {
  state.decoded++;
  const parent = state.stack.at(-1);
  if (parent !== undefined && parent.key === null && !parent.mergeNext && !Array.isArray(parent.target))
    throw new YamlProblem(event.start, "invalid map key: a mapping or sequence cannot be a key");
  const isMap = event.type === EVENT_ID.MAPPING;
  const target: JsonTree[] | JsonObject = isMap ? {} : [];
  const anchor = event.anchorStart >= 0 ? anchorName(state, event) : null;
  if (anchor !== null) state.anchors.set(anchor, { value: undefined, nodes: 0 });
  const reportsDuplicates = state.options.strict || state.options.dialect === "yaml.v3";
  state.stack.push({
    target,
    anchor,
    countBefore: state.decoded - 1,
    key: null,
    keyAt: event.start,
    mergeNext: false,
    lateMerge: undefined,
    lateMergeAt: 0,
    seen: isMap && reportsDuplicates ? new Map() : null,
  });
  if (state.stack.length === 1) state.rootStart = event.start;
}

function anchorName(state: State, event: { readonly anchorStart: number; readonly anchorEnd: number }): string {
  return state.text.slice(event.anchorStart, event.anchorEnd);
}

function close(state: State): void {
  const frame = state.stack.pop();
  if (frame === undefined) return;
  if (frame.lateMerge !== undefined) mergeInto(state, frame, frame.lateMerge, frame.lateMergeAt);
  if (frame.anchor !== null)
    state.anchors.set(frame.anchor, { value: frame.target, nodes: state.decoded - frame.countBefore });
  place(state, frame.target, frame.keyAt);
}

/** Puts a finished value where the innermost open collection wants it. */
function place(state: State, value: JsonTree, at: number): void {
  const frame = state.stack.at(-1);
  if (frame === undefined) {
    state.root = value;
    if (state.rootStart === -1) state.rootStart = at;
    return;
  }
  if (Array.isArray(frame.target)) {
    frame.target.push(value);
    return;
  }
  if (frame.mergeNext) {
    frame.mergeNext = false;
    if (state.options.dialect === "yaml.v3") {
      frame.lateMerge = value;
      frame.lateMergeAt = at;
    } else mergeInto(state, frame, value, at);
    return;
  }
  setOwn(frame.target, frame.key ?? "", value);
  frame.key = null;
}

function mergeInto(state: State, frame: Frame, value: JsonTree, at: number): void {
  const target = frame.target as JsonObject;
  const sources = Array.isArray(value) ? value : [value];
  const late = state.options.dialect === "yaml.v3";
  // Earlier sources take precedence: v2 writes them last, v3 never replaces.
  for (const source of late ? sources : sources.toReversed()) {
    if (typeof source !== "object" || source === null || Array.isArray(source) || source instanceof Decimal)
      throw new YamlProblem(at, "map merge requires map or sequence of maps as the value");
    for (const key of Object.keys(source)) {
      if (late && Object.hasOwn(target, key)) continue;
      if (!late) noteKey(state, frame, key, at);
      setOwn(target, key, source[key] ?? null);
    }
  }
}
