// Whether a text is in a regular language, in time linear in the text. A tree of character sets, sequences, choices and
// repetitions becomes a program for a nondeterministic automaton (Thompson's construction); the sets of instructions that
// it can be at are the states of a deterministic one, and those are built only when a text reaches them, in a table of
// state by character class. When the table is full it is thrown away and begun again, so that memory is bounded and a
// hostile pattern costs at most text times program.
//
// Only yes or no is answered, so that neither greediness nor groups matter here.

export type Node =
  | { readonly kind: "set"; readonly ranges: Ranges }
  | { readonly kind: "sequence" | "choice"; readonly items: readonly Node[] }
  | { readonly kind: "repeat"; readonly item: Node; readonly min: number; readonly max: number | null }
  /** The beginning and the end of the text. */
  | { readonly kind: "start" | "end" };

/** Code points: first, last, first, last …, ascending and disjoint. */
export type Ranges = readonly number[];

/** Told how much work was done, in steps of about ten nanoseconds; may throw to stop. */
export type Step = (steps: number) => void;

export interface Automaton {
  /** How many instructions the program has: the most work for one character. */
  readonly size: number;
  /** Whether the pattern occurs anywhere in the text. */
  test(text: string, step: Step): boolean;
}

/** Null when the program would be too large. */
export function compileAutomaton(root: Node, sizeMax = 4000): Automaton | null {
  const program: Instruction[] = [{ op: "match" }];
  const start = add(root, 0, program, sizeMax);
  if (start === null) return null;
  const table = new Table(program, start, classesOf(program));
  return { size: program.length, test: (text, step) => table.test(text, step) };
}

// ── the program

type Instruction =
  | { readonly op: "match" }
  | { readonly op: "set"; readonly ranges: Ranges; readonly next: number }
  | { readonly op: "start" | "end"; readonly next: number }
  | { readonly op: "split"; readonly next: number[] };

/** Adds a node so that it leads to `next`; returns where it begins, or null beyond the limit. */
function add(node: Node, next: number, program: Instruction[], sizeMax: number): number | null {
  if (program.length > sizeMax) return null;
  switch (node.kind) {
    case "set":
      return program.push({ op: "set", ranges: node.ranges, next }) - 1;
    case "start":
    case "end":
      return program.push({ op: node.kind, next }) - 1;
    case "sequence": {
      let target: number | null = next;
      for (const item of node.items.toReversed()) target = target === null ? null : add(item, target, program, sizeMax);
      return target;
    }
    case "choice": {
      const targets = node.items.map((item) => add(item, next, program, sizeMax));
      if (targets.includes(null)) return null;
      return program.push({ op: "split", next: targets as number[] }) - 1;
    }
    case "repeat":
      return addRepeat(node, next, program, sizeMax);
  }
  return null;
}

type Repeat = Extract<Node, { readonly kind: "repeat" }>;

function addRepeat({ item, min, max }: Repeat, next: number, program: Instruction[], sizeMax: number): number | null {
  let target: number | null = next;
  if (max === null) {
    const choices: number[] = [next];
    target = program.push({ op: "split", next: choices }) - 1;
    const body = add(item, target, program, sizeMax);
    if (body === null) return null;
    choices.push(body);
  } else {
    for (let left = max - min; left > 0 && target !== null; left--) {
      const body = add(item, target, program, sizeMax);
      target = body === null ? null : program.push({ op: "split", next: [next, body] }) - 1;
    }
  }
  for (let left = min; left > 0 && target !== null; left--) target = add(item, target, program, sizeMax);
  return target;
}

// ── character classes

interface Classes {
  readonly count: number;
  /** By code below 128. */
  readonly ascii: Uint16Array;
  /** Where classes begin, ascending; class n spans from bound n to bound n + 1. */
  readonly bounds: readonly number[];
}

/** The largest parts of Unicode that no set of the program divides. */
function classesOf(program: readonly Instruction[]): Classes {
  const starts = new Set([0]);
  for (const instruction of program) {
    if (instruction.op !== "set") continue;
    instruction.ranges.forEach((code, at) => starts.add(at % 2 === 0 ? code : code + 1));
  }
  const bounds = [...starts].toSorted((a, b) => a - b);
  const ascii = new Uint16Array(128).map((_, code) => classIn(bounds, code));
  return { count: bounds.length, ascii, bounds };
}

function classIn(bounds: readonly number[], code: number): number {
  let low = 0;
  let high = bounds.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((bounds[middle] ?? 0) <= code) low = middle;
    else high = middle - 1;
  }
  return low;
}

function contains(ranges: Ranges, code: number): boolean {
  for (let at = 0; at < ranges.length; at += 2) {
    if (code < (ranges[at] ?? 0)) return false;
    if (code <= (ranges[at + 1] ?? 0)) return true;
  }
  return false;
}

// ── the table

/** No instruction is left: whatever follows, the answer is no. */
const dead = 0;
/** The match was reached: whatever follows, the answer is yes. */
const matched = 1;

/** Places in the table, and instructions in all states, beyond which it is begun again: about a megabyte. */
const placesMax = 50_000;

/** Characters between two reports of work. */
const stride = 4096;

class Table {
  readonly #program: readonly Instruction[];
  readonly #start: number;
  readonly #classes: Classes;
  readonly #emptyText: boolean;
  /** By state and class, the state that follows; -1 until it is known. */
  #transitions = new Int32Array(0);
  #initial = dead;
  #states: (readonly number[])[] = [];
  #acceptsAtEnd: boolean[] = [];
  #ids = new Map<string, number>();
  #places = 0;

  constructor(program: readonly Instruction[], start: number, classes: Classes) {
    this.#program = program;
    this.#start = start;
    this.#classes = classes;
    this.#emptyText = this.#closure([start], true, true).includes(0);
    this.#clear();
  }

  test(text: string, step: Step): boolean {
    if (text === "") return this.#emptyText;
    const { ascii, count, bounds } = this.#classes;
    let transitions = this.#transitions;
    let state = this.#initial;
    for (let at = 0; at < text.length && state > matched; at++) {
      let code = text.charCodeAt(at);
      if (code >= 0xd800 && code <= 0xdfff) {
        code = text.codePointAt(at) as number;
        if (code > 0xffff) at++;
        // Go reads a byte that is not UTF-8 as this character.
        else code = 0xfffd;
      }
      const symbol = code < 128 ? (ascii[code] as number) : classIn(bounds, code);
      const next = transitions[state * count + symbol] as number;
      if (next === -1) {
        state = this.#next(state, symbol, step);
        transitions = this.#transitions;
      } else {
        state = next;
      }
      if (at % stride === stride - 1) step(stride >> 2);
    }
    return state === matched || (this.#acceptsAtEnd[state] ?? false);
  }

  /** Builds the state that follows, in an emptied table if it is full. */
  #next(from: number, symbol: number, step: Step): number {
    const code = this.#classes.bounds[symbol] ?? 0;
    const reached = [this.#start];
    const state = this.#states[from] ?? [];
    step(state.length * 4 + 16);
    for (const at of state) {
      const instruction = this.#program[at];
      if (instruction?.op === "set" && contains(instruction.ranges, code)) reached.push(instruction.next);
    }
    const closure = this.#closure(reached, false, false);
    if (this.#places > placesMax) {
      this.#clear();
      return this.#idOf(closure);
    }
    const to = this.#idOf(closure);
    this.#transitions[from * this.#classes.count + symbol] = to;
    return to;
  }

  #idOf(closure: readonly number[]): number {
    if (closure[0] === 0) return matched;
    const key = closure.join();
    return this.#ids.get(key) ?? this.#add(key, closure);
  }

  #add(key: string, closure: readonly number[]): number {
    const id = this.#states.push(closure) - 1;
    this.#places += closure.length + this.#classes.count;
    this.#ids.set(key, id);
    const atEnd = closure.some((at) => this.#program[at]?.op === "end");
    this.#acceptsAtEnd.push(atEnd && this.#closure(closure, false, true)[0] === 0);
    const needed = this.#states.length * this.#classes.count;
    if (needed > this.#transitions.length) {
      const grown = new Int32Array(needed * 2).fill(-1);
      grown.set(this.#transitions);
      this.#transitions = grown;
    }
    return id;
  }

  /** The instructions that can be reached without reading, in ascending order: sets, unmet ends and, first, the match. */
  #closure(from: readonly number[], atStart: boolean, atEnd: boolean): readonly number[] {
    const seen = new Set<number>();
    const open = [...from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const instruction = this.#program[at];
      if (instruction?.op === "split") open.push(...instruction.next);
      if (instruction?.op === "start" && atStart) open.push(instruction.next);
      if (instruction?.op === "end" && atEnd) open.push(instruction.next);
    }
    return [...seen].filter((at) => this.#stays(at)).toSorted((a, b) => a - b);
  }

  #stays(at: number): boolean {
    const op = this.#program[at]?.op;
    return op === "set" || op === "end" || op === "match";
  }

  #clear(): void {
    this.#transitions = new Int32Array(0);
    this.#states = [];
    this.#acceptsAtEnd = [];
    this.#ids = new Map();
    this.#places = 0;
    this.#add("", []);
    this.#add("0", [0]);
    this.#initial = this.#idOf(this.#closure([this.#start], true, false));
  }
}
