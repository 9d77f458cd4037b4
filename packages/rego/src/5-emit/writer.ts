// The text being made, and what emitting a block has to know: where to go when a statement fails, when the block
// succeeds, and which loops an answer that would only repeat itself can leave.

import type { Plan, Visible } from "../ir.ts";
import type { Value } from "../runtime/value.ts";

export interface Writer {
  readonly plan: Plan;
  readonly lines: string[];
  /** Numbers for labels and temporaries, unique in the program. */
  next: number;
  /** Constant paths, by their text, for lookups with all types. */
  readonly paths: Map<string, { readonly index: number; readonly path: readonly Value[] }>;
  /** Names of variables for each trace event. */
  readonly traceNames: (readonly string[])[];
  /** The locals that the function being emitted reads. */
  used: ReadonlySet<number>;
  readonly trace: boolean;
  readonly strict: boolean;
}

export interface Flow {
  /** A statement: the current solution is given up. */
  readonly fail: string;
  /** A statement: the block of a `not`, `some` or `every` has succeeded. */
  readonly succeed: string;
  /** A statement: nothing further can come of the enclosing collect or definition. */
  readonly exit: string;
  /** Loops of the enclosing collect or definition, outermost first, with their depth. */
  readonly loops: readonly { readonly label: string; readonly depth: number }[];
  /** How the enclosing definition takes its results; see definitions.ts. */
  readonly sink: Sink;
  /** When tracing: the literal being tried. */
  readonly literal: { site: number; visible: readonly Visible[] } | null;
}

export type Sink =
  /** The first result is the answer. */
  | { readonly kind: "return"; readonly site: number }
  /** Results are compared; see emitComplete. */
  | { readonly kind: "compare"; readonly site: number }
  /** Contributions go into the set `o`, the object `o` by put, or the partial object `o`. */
  | { readonly kind: "set"; readonly site: number }
  | { readonly kind: "put"; readonly site: number }
  | { readonly kind: "nested"; readonly site: number }
  | { readonly kind: "solutions"; readonly site: number };

export function line(writer: Writer, text: string): void {
  writer.lines.push(text);
}

export function fresh(writer: Writer, prefix: string): string {
  return `${prefix}${writer.next++}`;
}
