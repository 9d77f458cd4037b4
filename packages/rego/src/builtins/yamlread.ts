// YAML to JSON as OPA's converter does it: js-yaml finds where things stand, and this builds values by go-yaml v3's rules.
// Only the first document counts, but all must parse. The last of equal keys wins; merge keys never replace what is there.
// An alias shares its anchor's value, and every use is counted, because go-yaml refuses documents that are mostly aliases.
// OPA: internal/yaml/yaml.go YAMLToJSON; Go: go.yaml.in/yaml/v3 decode.go.

import type { Budget } from "@portcullis/lang";
import { EVENT_ID, type Event, SCALAR_STYLE, type ScalarEvent, getScalarValue, parseEvents } from "js-yaml";
import { format } from "../runtime/format.ts";
import { type Value, isPlainObject, newObject } from "../runtime/value.ts";
import { parsed, YamlError } from "./yamlsyntax.ts";
import { type Scalar, jsonOf, keyOf, resolvePlain, resolveTagged } from "./yamlscalar.ts";

const depthMax = 1000;

/** The first document as a JSON value. Throws YamlError, LimitError. */
export function readYaml(text: string, budget: Budget): Value {
  budget.output(text.length);
  const { events, source } = eventsOf(text);
  checkAliases(events, source);
  const build = new Builder(source, budget);
  for (const event of firstDocument(events)) build.take(event);
  return build.root;
}

/** The events up to the POP that closes no collection: it ends the document. */
function firstDocument(events: readonly Event[]): readonly Event[] {
  let open = 0;
  for (const [at, event] of events.entries()) {
    if (event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.MAPPING) open++;
    else if (event.type === EVENT_ID.POP && --open < 0) return events.slice(0, at);
  }
  return events;
}

interface Parsed {
  readonly events: readonly Event[];
  readonly source: string;
}

function eventsOf(text: string): Parsed {
  const { value, source } = parsed(text, (repaired) => parseEvents(repaired, { maxDepth: depthMax }));
  return { events: value, source };
}

/** Anchors end with their document. */
function checkAliases(events: readonly Event[], source: string): void {
  let known = new Set<string>();
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) {
      known = new Set();
      const version = event.directives.find((directive) => directive.kind === "yaml")?.version;
      if (version !== undefined && version !== "1.1") throw new YamlError("yaml: found incompatible YAML document");
    } else if (event.type === EVENT_ID.ALIAS) {
      const name = source.slice(event.anchorStart, event.anchorEnd);
      if (!known.has(name)) throw new YamlError(`yaml: unknown anchor '${name}' referenced`);
    } else if (event.type !== EVENT_ID.POP && event.anchorStart >= 0) {
      known.add(source.slice(event.anchorStart, event.anchorEnd));
    }
  }
}

interface Frame {
  readonly items: Value[] | null;
  readonly entries: Record<string, Value>;
  readonly anchor: string | null;
  /** Of a mapping: the key that waits for its value; `merge` for `<<`. */
  key: string | null;
  merge: boolean;
  readonly merged: Value[];
  readonly nodesBefore: number;
}

/** A finished value under its anchor; undefined while it is still open. */
interface Anchored {
  readonly value: Value | undefined;
  readonly scalar: Scalar | null;
  readonly nodes: number;
}

class Builder {
  root: Value = null;
  readonly #source: string;
  readonly #budget: Budget;
  readonly #stack: Frame[] = [];
  readonly #anchors = new Map<string, Anchored>();
  #nodes = 0;
  #aliased = 0;

  constructor(source: string, budget: Budget) {
    this.#source = source;
    this.#budget = budget;
  }

  take(event: Event): void {
    if (event.type === EVENT_ID.SCALAR) this.#takeScalar(event);
    else if (event.type === EVENT_ID.ALIAS) this.#takeAlias(this.#source.slice(event.anchorStart, event.anchorEnd));
    else if (event.type === EVENT_ID.POP) this.#close();
    else if (event.type !== EVENT_ID.DOCUMENT) this.#open(event);
  }

  #takeScalar(event: ScalarEvent): void {
    this.#nodes++;
    const scalar = this.#scalarOf(event);
    if (event.anchorStart >= 0) this.#anchors.set(this.#anchorOf(event), { value: undefined, scalar, nodes: 1 });
    this.#placeScalar(scalar, this.#wantsKey() && isMerge(event, this.#source));
  }

  #scalarOf(event: ScalarEvent): Scalar {
    const plain = event.style === SCALAR_STYLE.PLAIN;
    const text = scalarText(event, this.#source);
    if (event.tagStart < 0) return plain ? resolvePlain(text) : { tag: "!!str", value: text };
    const resolved = resolveTagged(tagOf(this.#source.slice(event.tagStart, event.tagEnd)), text, plain);
    if ("error" in resolved) throw new YamlError(resolved.error);
    return resolved;
  }

  #placeScalar(scalar: Scalar, merge: boolean): void {
    const frame = this.#stack.at(-1);
    if (this.#wantsKey() && frame !== undefined) {
      const key = merge ? "<<" : keyOf(scalar);
      // Which value a null key has is not known yet; Go prints it too.
      frame.key = key ?? nullKey;
      frame.merge = merge;
      return;
    }
    const value = jsonOf(scalar);
    if (typeof value === "object" && value !== null && "error" in value) throw new YamlError(value.error);
    this.#place(value);
  }

  #takeAlias(name: string): void {
    const anchored = this.#anchors.get(name);
    if (anchored === undefined) throw new YamlError(`yaml: unknown anchor '${name}' referenced`);
    this.#nodes += 1 + anchored.nodes;
    this.#aliased += anchored.nodes;
    if (this.#aliased > 100 && this.#nodes > 1000 && this.#aliased / this.#nodes > allowedRatio(this.#nodes)) {
      throw new YamlError("yaml: document contains excessive aliasing");
    }
    if (anchored.scalar !== null) return this.#placeScalar(anchored.scalar, false);
    if (anchored.value === undefined) throw new YamlError(`yaml: anchor '${name}' value contains itself`);
    if (this.#wantsKey()) throw new YamlError("yaml: invalid map key: a mapping or sequence");
    return this.#place(anchored.value);
  }

  #open(event: Extract<Event, { readonly start: number }>): void {
    this.#nodes++;
    if (this.#wantsKey()) throw new YamlError("yaml: invalid map key: a mapping or sequence");
    const anchor = event.anchorStart >= 0 ? this.#anchorOf(event) : null;
    if (anchor !== null) this.#anchors.set(anchor, { value: undefined, scalar: null, nodes: 0 });
    this.#stack.push({
      items: event.type === EVENT_ID.SEQUENCE ? [] : null,
      entries: newObject(),
      anchor,
      key: null,
      merge: false,
      merged: [],
      nodesBefore: this.#nodes - 1,
    });
  }

  #close(): void {
    const frame = this.#stack.pop();
    if (frame === undefined) return;
    for (const source of frame.merged.flatMap((value) => (Array.isArray(value) ? (value as Value[]) : [value]))) {
      mergeInto(frame.entries, source);
    }
    const value = frame.items ?? frame.entries;
    if (frame.anchor !== null) {
      this.#anchors.set(frame.anchor, { value, scalar: null, nodes: this.#nodes - frame.nodesBefore });
    }
    this.#place(value);
  }

  #place(value: Value): void {
    this.#budget.step(4);
    const frame = this.#stack.at(-1);
    if (frame === undefined) this.root = value;
    else if (frame.items !== null) frame.items.push(value);
    else {
      if (frame.merge) frame.merged.push(value);
      else if (frame.key === nullKey) {
        throw new YamlError(
          `unsupported map key of type: %!s(<nil>), key: <nil>, value: ${value === null ? "<nil>" : format(value)}`,
        );
      } else frame.entries[frame.key ?? ""] = value;
      frame.key = null;
      frame.merge = false;
    }
  }

  #wantsKey(): boolean {
    const frame = this.#stack.at(-1);
    return frame !== undefined && frame.items === null && frame.key === null;
  }

  #anchorOf(event: { readonly anchorStart: number; readonly anchorEnd: number }): string {
    return this.#source.slice(event.anchorStart, event.anchorEnd);
  }
}

/** Stands for a key without text; no YAML text holds a lone surrogate. */
const nullKey = "\udfff";

/** go-yaml: 99 % of the nodes may come from aliases in a small document, 10 % in one of four million nodes. */
function allowedRatio(nodes: number): number {
  if (nodes <= 400_000) return 0.99;
  return nodes >= 4_000_000 ? 0.1 : 0.99 - 0.89 * ((nodes - 400_000) / 3_600_000);
}

function mergeInto(entries: Record<string, Value>, source: Value): void {
  if (!isPlainObject(source)) {
    throw new YamlError("yaml: map merge requires map or sequence of maps as the value");
  }
  for (const [key, value] of Object.entries(source)) if (!Object.hasOwn(entries, key)) entries[key] = value;
}

function isMerge(event: ScalarEvent, source: string): boolean {
  if (source.slice(event.valueStart, event.valueEnd) !== "<<") return false;
  if (event.tagStart < 0) return event.style === SCALAR_STYLE.PLAIN;
  return tagOf(source.slice(event.tagStart, event.tagEnd)) === "!!merge";
}

/** go-yaml gives a block scalar that the end of the text cuts off no line end. */
function scalarText(event: ScalarEvent, source: string): string {
  const text = getScalarValue(source, event);
  const isBlock = event.style === SCALAR_STYLE.LITERAL_BLOCK || event.style === SCALAR_STYLE.FOLDED_BLOCK;
  const cutOff = isBlock && event.valueEnd === source.length && !source.endsWith("\n");
  return cutOff && text.endsWith("\n") ? text.slice(0, -1) : text;
}

/** The short form of a tag: `!!int` for `!<tag:yaml.org,2002:int>`. */
function tagOf(raw: string): string {
  const tag = raw.startsWith("!<") && raw.endsWith(">") ? raw.slice(2, -1) : raw;
  const long = "tag:yaml.org,2002:";
  return tag.startsWith(long) ? `!!${tag.slice(long.length)}` : tag;
}
