// A document that was read, and where its values stand. A file of 50 MB holds some two hundred thousand of them, so one
// is a class with a few fields rather than a handful of closures. Positions are found by parsing its text once more.

import { type Source, type Span, spanOf } from "@portcullis/lang";
import type { JsonTree } from "./build.ts";
import { eventsOf } from "./events.ts";
import { type LocatedNode, findNearest, findNode, locateDocument, scalarMap } from "./locate.ts";

export type Path = readonly (string | number)[];

/** Where a scalar's value stands in the file. */
export interface ScalarOrigin {
  /** Of the content: of a block scalar the lines below its header, of a quoted one what is between the quotes. */
  readonly span: Span;
  /** The offset in the file of an offset in the value. */
  offsetOf(valueOffset: number): number;
}

export interface Document {
  readonly value: JsonTree;
  /** The document without its separators. */
  readonly span: Span;
  /** The span of the value at a path, or of the nearest enclosing value that exists. */
  positionOf(path: Path): Span;
  /** The span of the key of the value at a path; null at the root, in sequences and for absent paths. */
  keyPositionOf(path: Path): Span | null;
  /** For a string at a path: its content's place in the file; null when there is no scalar. */
  scalarOrigin(path: Path): ScalarOrigin | null;
}

/** What is parsed as one: offsets in the source, and which of its documents. */
export interface Place {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
  readonly index: number;
}

interface Located {
  /** The text, in which line ends may have become spaces. */
  readonly text: string;
  readonly root: LocatedNode | null;
}

export class TextDocument implements Document {
  readonly value: JsonTree;
  readonly span: Span;
  readonly #start: number;
  readonly #index: number;
  #located: Located | null = null;

  /** `start` is where the document's own text begins in its place. */
  constructor(value: JsonTree, { source, start, end, index }: Place, ownStart: number) {
    this.value = value;
    this.span = spanOf(source, start + ownStart, end);
    this.#start = start;
    this.#index = index;
  }

  positionOf(path: Path): Span {
    // Where the whole stands is known; findings of many objects ask for nothing else.
    if (path.length === 0) return this.span;
    const { root } = this.#locate();
    const node = root === null ? null : findNearest(root, path);
    return node === null ? this.span : this.#inFile(node.start, node.end);
  }

  keyPositionOf(path: Path): Span | null {
    const { root } = this.#locate();
    const node = root === null ? null : findNode(root, path);
    return node === null || node.keyStart < 0 ? null : this.#inFile(node.keyStart, node.keyEnd);
  }

  scalarOrigin(path: Path): ScalarOrigin | null {
    const { root, text } = this.#locate();
    const scalar = root === null ? null : (findNode(root, path)?.scalar ?? null);
    if (scalar === null || scalar.valueStart < 0) return null;
    const map = scalarMap(text, scalar);
    const start = this.#start;
    return {
      span: this.#inFile(scalar.valueStart, scalar.valueEnd),
      offsetOf: (offset) => start + map(offset),
    };
  }

  #locate(): Located {
    if (this.#located === null) {
      const { events, text } = eventsOf(this.span.source.text.slice(this.#start, this.span.end));
      this.#located = { text, root: locateDocument(text, events, this.#index) };
    }
    return this.#located;
  }

  #inFile(start: number, end: number): Span {
    return spanOf(this.span.source, this.#start + start, this.#start + end);
  }
}
