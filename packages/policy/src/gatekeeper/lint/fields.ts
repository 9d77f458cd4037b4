// Which fields of the reviewed object a template's Rego looks at. References that begin with `input.review.object` say so
// themselves; others begin with a variable that was taken from such a reference (`container := …spec.containers[_]`),
// with a rule whose elements were (`input_containers[c]`), or with a parameter of a function that was called with one. All
// of these are followed until nothing new is found; what is reached through a computed name has no path.

import { type Expr, type Module, type Rule, type Term, walk } from "@portcullis/rego";

type Paths = ReadonlySet<string>;

/** The fields of `input.review.object` that modules look at: `spec.containers[].image`, without those above others. */
export function fieldsOfModules(modules: readonly Module[]): readonly string[] {
  const known: Known = { names: new Map(), seen: new Set() };
  let size = -1;
  for (let round = 0; round < rounds && size !== weight(known); round++) {
    size = weight(known);
    for (const rule of modules.flatMap((module) => module.rules)) readRule(rule, known);
  }
  const fields = [...known.seen].flatMap((path) => (path.startsWith(root) ? [path.slice(root.length)] : []));
  const clean = [
    ...new Set(
      fields.map((path) =>
        path
          .replace(/^\./, "")
          .replaceAll(/(?:\[\])+/g, "[]")
          .replace(/\[\]$/, ""),
      ),
    ),
  ].filter((path) => path !== "");
  return clean.filter((path) => !clean.some((other) => other.startsWith(`${path}.`) || other.startsWith(`${path}[`)));
}

/** How far aliases of aliases are followed. */
const rounds = 6;

/** Recursion over generic trees would make paths without end. */
const longest = 12;

const root = "input.review.object";

interface Known {
  /** Variables as `rule:variable`, rules by name: what their values, or elements, may be. */
  readonly names: Map<string, Set<string>>;
  readonly seen: Set<string>;
}

function weight({ names, seen }: Known): number {
  let sum = seen.size;
  for (const paths of names.values()) sum += paths.size;
  return sum;
}

interface Reading {
  readonly rule: string;
  readonly known: Known;
}

function readRule(rule: Rule, known: Known): void {
  const name = nameOf(rule);
  // Who is exempt is not what is decided.
  if (name.includes("exempt")) return;
  const reading: Reading = { rule: name, known };
  for (const [at, argument] of (rule.head.args ?? []).entries()) {
    if (argument.kind === "var") add(known, local(reading, argument.name), known.names.get(`${name}#${at}`) ?? []);
  }
  // Twice, because a variable may be bound before what it is made of.
  for (let pass = 0; pass < 2; pass++) walk(rule, { expr: (expr) => readBinding(expr, reading) });
  const result = rule.head.value ?? rule.head.key;
  if (result !== null) {
    // The elements of a set are what `name[x]` gives: the brackets are put there again when it is used.
    const isSet = rule.head.value === null;
    add(
      known,
      name,
      [...pathsOf(result, reading)].map((path) => (isSet ? `${path}\u0000` : path)),
    );
  }
  walk(rule, {
    term: (term) => {
      if (term.kind === "ref") for (const path of pathsOf(term, reading)) known.seen.add(path);
      if (term.kind === "call") passArguments(term.operator, term.args, reading);
    },
    expr: (expr) => {
      if (expr.kind === "call") passArguments(expr.operator, expr.args, reading);
    },
  });
  if (rule.else !== null) readRule(rule.else, known);
}

/** `x := term`, `x = term`, `some x in term`. */
function readBinding(expr: Expr, reading: Reading): void {
  if (expr.kind === "some") {
    const [call] = expr.symbols;
    if (call?.kind !== "call") return;
    const [left, right] = [call.args.at(-2), call.args.at(-1)];
    if (left?.kind === "var" && right !== undefined) {
      add(reading.known, local(reading, left.name), itemsOf(pathsOf(right, reading)));
    }
    return;
  }
  if (expr.kind !== "call" || expr.args.length !== 2) return;
  const operator = operatorName(expr.operator);
  if (operator !== "assign" && operator !== "eq") return;
  const [left, right] = expr.args as readonly [Term, Term];
  if (left.kind === "var") add(reading.known, local(reading, left.name), pathsOf(right, reading));
  if (right.kind === "var" && operator === "eq") {
    add(reading.known, local(reading, right.name), pathsOf(left, reading));
  }
}

function passArguments(operator: Term, args: readonly Term[], reading: Reading): void {
  const name = operatorName(operator);
  for (const [at, argument] of args.entries()) {
    const paths = pathsOf(argument, reading);
    if (paths.size > 0) add(reading.known, `${name}#${at}`, paths);
  }
}

function operatorName(operator: Term): string {
  const head = operator.kind === "ref" ? operator.head : operator;
  const path = operator.kind === "ref" ? operator.path : [];
  if (head.kind !== "var") return "";
  const last = path.at(-1);
  // `lib.f` and `data.lib.f` are the function `f` of a library.
  return last?.kind === "string" ? last.value : head.name;
}

function pathsOf(term: Term, reading: Reading): Paths {
  if (term.kind === "var") return namedPaths(term.name, reading);
  if (term.kind === "call") return new Set(reading.known.names.get(operatorName(term.operator)) ?? []);
  if (term.kind === "array-comprehension" || term.kind === "set-comprehension") {
    return new Set([...pathsOf(term.term, reading)].map((path) => `${path}\u0000`));
  }
  if (term.kind !== "ref") return new Set();
  return term.path.reduce<Paths>((paths, step) => stepped(paths, step), pathsOf(term.head, reading));
}

function namedPaths(name: string, reading: Reading): Paths {
  if (name === "input") return new Set(["input"]);
  return reading.known.names.get(local(reading, name)) ?? reading.known.names.get(name) ?? new Set();
}

/** An element of a set that a rule makes is what the rule put there. */
function stepped(paths: Paths, step: Term): Paths {
  const next = [...paths].flatMap((path): readonly string[] => {
    if (path.endsWith("\u0000")) return [path.slice(0, -1)];
    if (path.split(/[.[]/).length > longest) return [];
    if (step.kind === "string") return [`${path}.${step.value}`];
    return [`${path}[]`];
  });
  return new Set(next);
}

function itemsOf(paths: Paths): readonly string[] {
  return [...paths].map((path) => (path.endsWith("\u0000") ? path.slice(0, -1) : `${path}[]`));
}

function nameOf({ head }: Rule): string {
  const [first] = head.reference;
  return first?.kind === "var" ? first.name : "";
}

function local({ rule }: Reading, variable: string): string {
  return `${rule}:${variable}`;
}

function add(known: Known, name: string, paths: Iterable<string>): void {
  const all = known.names.get(name) ?? new Set();
  for (const path of paths) all.add(path);
  known.names.set(name, all);
}
