// A Source is a named text with a lazily made line table, and a Span is a half-open range of UTF-16 offsets in it.
// Offsets are what the compilers carry; lines and columns are computed only when a person has to read them.

export class Source {
  readonly name: string;
  readonly text: string;
  #lineStarts: readonly number[] | null = null;

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
  }

  /** The 1-based line and column of an offset; a column counts characters (code points), as Go's rune columns do. */
  position(offset: number): Position {
    const starts = this.#starts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const lineStart = starts[low] ?? 0;
    return { line: low + 1, column: codePoints(this.text, lineStart, offset) + 1 };
  }

  /** The text of a 1-based line without its line end; empty when there is no such line. */
  line(line: number): string {
    const starts = this.#starts();
    const start = starts[line - 1];
    if (start === undefined) return "";
    const end = starts[line] ?? this.text.length + 1;
    return this.text.slice(start, end - 1).replace(/\r$/, "");
  }

  #starts(): readonly number[] {
    if (this.#lineStarts === null) {
      const starts = [0];
      for (let at = this.text.indexOf("\n"); at !== -1; at = this.text.indexOf("\n", at + 1)) starts.push(at + 1);
      this.#lineStarts = starts;
    }
    return this.#lineStarts;
  }
}

/** 1-based line and column. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Half-open offsets `[start, end)` into one Source. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

export function spanOf(source: Source, start: number, end: number): Span {
  return { source, start, end };
}

/** The text that a span covers. */
export function spanText(span: Span): string {
  return span.source.text.slice(span.start, span.end);
}

function codePoints(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0xdc00 || unit > 0xdfff) count++;
  }
  return count;
}
