// Where things stand in a document. Nothing here runs until somebody asks for a position: then the document is parsed
// once more into a tree of spans. Keys are kept as text, so a path in the value finds its node; an alias leads to the
// node of its anchor. For a scalar there is also a map from offsets in its value to offsets in the file, so that an
// error inside a policy's source text can be shown in the YAML file that carries it.

import { CHOMPING_MODE, EVENT_ID, type Event, SCALAR_STYLE, type ScalarEvent, getScalarValue } from "js-yaml";
import { keyText, resolvePlain } from "./scalar.ts";

export interface LocatedNode {
  start: number;
  end: number;
  /** Of the key, for members of a mapping. */
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly members: Map<string, LocatedNode> | null;
  readonly elements: LocatedNode[] | null;
  readonly scalar: ScalarEvent | null;
}

interface Open {
  readonly node: LocatedNode;
  key: { readonly text: string; readonly start: number; readonly end: number; readonly merge: boolean } | null;
}

/** The tree of spans of the document with this number in the event stream. */
export function locateDocument(text: string, events: readonly Event[], index: number): LocatedNode | null {
  let document = -1;
  const stack: Open[] = [];
  const anchors = new Map<string, LocatedNode>();
  let root: LocatedNode | null = null;
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) document++;
    else if (document !== index) continue;
    else if (event.type === EVENT_ID.POP) {
      const closed = stack.pop();
      if (closed === undefined) return root;
      const parent = stack.at(-1);
      if (parent !== undefined) parent.node.end = Math.max(parent.node.end, closed.node.end);
    } else root = take({ text, stack, anchors, root }, event);
  }
  return root;
}

interface Walk {
  readonly text: string;
  readonly stack: Open[];
  readonly anchors: Map<string, LocatedNode>;
  readonly root: LocatedNode | null;
}

function take(walk: Walk, event: Exclude<Event, { type: typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.POP }>) {
  const { text, stack, anchors } = walk;
  const parent = stack.at(-1);
  if (event.type === EVENT_ID.SCALAR && parent?.node.members != null && parent.key === null) {
    parent.key = keyOf(text, event);
    return walk.root;
  }
  const key = parent?.key ?? null;
  const node = nodeOf(event, key, text, anchors);
  if (event.type !== EVENT_ID.ALIAS && event.anchorStart >= 0)
    anchors.set(text.slice(event.anchorStart, event.anchorEnd), node);
  if (parent !== undefined) attach(parent, key, node);
  if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) stack.push({ node, key: null });
  return walk.root ?? node;
}

function attach(parent: Open, key: Open["key"], node: LocatedNode): void {
  parent.node.end = Math.max(parent.node.end, node.end);
  if (parent.node.elements !== null) {
    parent.node.elements.push(node);
    return;
  }
  const members = parent.node.members;
  parent.key = null;
  if (members === null || key === null) return;
  if (!key.merge) {
    members.set(key.text, node);
    return;
  }
  for (const source of node.elements ?? [node])
    for (const [name, member] of source.members ?? []) if (!members.has(name)) members.set(name, member);
}

function keyOf(text: string, event: ScalarEvent): NonNullable<Open["key"]> {
  const value = getScalarValue(text, event);
  const plain = event.style === SCALAR_STYLE.PLAIN && event.tagStart < 0;
  const name = plain ? keyText(value, resolvePlain(value, "go")) : value;
  return {
    text: name ?? value,
    start: Math.max(0, event.valueStart),
    end: Math.max(0, event.valueEnd),
    merge: plain && value === "<<",
  };
}

type NodeEvent = Exclude<Event, { type: typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.POP }>;

function nodeOf(
  event: NodeEvent,
  key: Open["key"],
  text: string,
  anchors: ReadonlyMap<string, LocatedNode>,
): LocatedNode {
  const keyStart = key?.start ?? -1;
  const keyEnd = key?.end ?? -1;
  if (event.type === EVENT_ID.ALIAS) {
    const target = anchors.get(text.slice(event.anchorStart, event.anchorEnd));
    const span = { start: event.anchorStart - 1, end: event.anchorEnd, keyStart, keyEnd };
    return {
      ...span,
      members: target?.members ?? null,
      elements: target?.elements ?? null,
      scalar: target?.scalar ?? null,
    };
  }
  if (event.type === EVENT_ID.SCALAR) {
    // A missing value stands where its key ends.
    const absent = event.valueStart < 0;
    const start = absent ? Math.max(0, keyEnd) : event.valueStart;
    const end = absent ? start : event.valueEnd;
    return { start, end, keyStart, keyEnd, members: null, elements: null, scalar: event };
  }
  const isMap = event.type === EVENT_ID.MAPPING;
  const at = event.start;
  return {
    start: at,
    end: at,
    keyStart,
    keyEnd,
    members: isMap ? new Map() : null,
    elements: isMap ? null : [],
    scalar: null,
  };
}

/** The node at the longest part of the path that exists. */
export function findNearest(root: LocatedNode, path: readonly (string | number)[]): LocatedNode {
  for (let length = path.length; length > 0; length--) {
    const node = findNode(root, path.slice(0, length));
    if (node !== null) return node;
  }
  return root;
}

/** The node at a path, null when there is none. */
export function findNode(root: LocatedNode, path: readonly (string | number)[]): LocatedNode | null {
  let node: LocatedNode | undefined = root;
  for (const step of path) {
    node = node.elements === null ? node.members?.get(String(step)) : node.elements[Number(step)];
    if (node === undefined) return null;
  }
  return node;
}

/** From offsets in a scalar's value to offsets in the text; beyond the end, the end. */
export function scalarMap(text: string, event: ScalarEvent): (offset: number) => number {
  const { valueStart, valueEnd } = event;
  if (valueStart < 0) return () => 0;
  if (event.style === SCALAR_STYLE.LITERAL_BLOCK) return literalMap(text, event);
  if (event.fast) return (offset) => Math.min(valueEnd, valueStart + offset);
  const raw = text.slice(valueStart, valueEnd);
  if (event.style === SCALAR_STYLE.DOUBLE_QUOTED && !raw.includes("\n"))
    return quotedMap(raw, valueStart, /\\(?:x..|u.{4}|U.{8}|.)/y);
  if (event.style === SCALAR_STYLE.SINGLE_QUOTED && !raw.includes("\n")) return quotedMap(raw, valueStart, /''/y);
  return foldedMap(text, event);
}

/** Line n of a literal block is line n of its value, without the indentation. */
function literalMap(text: string, event: ScalarEvent): (offset: number) => number {
  const value = getScalarValue(text, { ...event, chomping: CHOMPING_MODE.KEEP });
  const indent = Math.max(0, event.indent);
  const inValue: number[] = [];
  const inText: number[] = [];
  let valueAt = 0;
  let textAt = event.valueStart;
  while (textAt <= event.valueEnd) {
    let spaces = 0;
    while (spaces < indent && text.charCodeAt(textAt + spaces) === 32) spaces++;
    inValue.push(valueAt);
    inText.push(textAt + spaces);
    const nextInValue = value.indexOf("\n", valueAt);
    const nextInText = text.indexOf("\n", textAt);
    if (nextInValue === -1 || nextInText === -1) break;
    valueAt = nextInValue + 1;
    textAt = nextInText + 1;
  }
  return (offset) => {
    let low = 0;
    let high = inValue.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((inValue[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return Math.min(event.valueEnd, (inText[low] ?? event.valueStart) + offset - (inValue[low] ?? 0));
  };
}

/** A quoted scalar on one line: every escape stands for one character, or for two beyond the basic plane. */
function quotedMap(raw: string, start: number, escape: RegExp): (offset: number) => number {
  return (offset) => {
    let at = 0;
    for (let made = 0; made < offset && at < raw.length; made++) {
      escape.lastIndex = at;
      const match = escape.exec(raw);
      at += match === null ? 1 : match[0].length;
      if (match !== null && match[0].startsWith("\\U") && match[0] > "\\U0000FFFF") made++;
    }
    return start + at;
  };
}

/** Folding only changes white space, so the n-th other character of the value is the n-th one of the text. */
function foldedMap(text: string, event: ScalarEvent): (offset: number) => number {
  const value = getScalarValue(text, event);
  return (offset) => {
    let at = event.valueStart;
    for (let made = 0; made <= offset && made < value.length; made++) {
      if (isSpace(value.charCodeAt(made))) continue;
      while (at < event.valueEnd && isSpace(text.charCodeAt(at))) at++;
      if (made === offset) return at;
      at++;
    }
    return Math.min(at, event.valueEnd);
  };
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
}
