// Small random policies. Rules only refer to rules before them, so there is no recursion; everything else that the
// language offers may meet everything else. Many of them do not compile (unsafe variables, type errors), which the test
// that uses them leaves to others.

export interface Generated {
  readonly module: string;
  readonly input: unknown;
  readonly data: unknown;
  /** Paths of rules, least dependent first. */
  readonly rules: readonly string[];
}

/** Equal seeds give equal policies. */
export function generatePolicy(seed: number): Generated {
  const random = newRandom(seed);
  const rules: string[] = [];
  const known: Known[] = [];
  const count = 2 + random.below(4);
  for (let at = 0; at < count; at++) {
    const name = `r${at}`;
    const kind = random.pick(kinds);
    rules.push(
      ruleText({ random, known, variables: [], depth: 0, wildcards: true, nextVariable: { value: 0 } }, name, kind),
    );
    known.push({ name, kind });
  }
  return {
    module: `package g\n\n${rules.join("\n\n")}\n`,
    input: document(random, 3),
    data: { base: document(random, 3) },
    rules: known.filter(({ kind }) => kind !== "function").map(({ name }) => `data.g.${name}`),
  };
}

type Kind = "complete" | "set" | "object" | "function" | "constants" | "nested";

const kinds: readonly Kind[] = ["complete", "complete", "set", "set", "object", "function", "constants", "nested"];

interface Known {
  readonly name: string;
  readonly kind: Kind;
}

interface Context {
  readonly random: Random;
  readonly known: readonly Known[];
  readonly variables: readonly string[];
  readonly depth: number;
  /** Whether references may have wildcards; under `not` they would be unsafe. */
  readonly wildcards: boolean;
  readonly nextVariable: { value: number };
}

interface Random {
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  chance(percent: number): boolean;
}

function newRandom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return {
    below,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    chance: (percent) => below(100) < percent,
  };
}

const keys = ["a", "b", "xs", "o"];

function document(random: Random, depth: number): unknown {
  if (depth === 0 || random.chance(15)) return random.pick([0, 1, 2, "a", "b", true, false, null, 1.5]);
  if (random.chance(40)) return Array.from({ length: random.below(4) }, () => document(random, depth - 1));
  return Object.fromEntries(
    keys.filter(() => random.chance(75)).map((key) => [key, document(random, depth - 1)] as const),
  );
}

// ── rules

function ruleText(context: Context, name: string, kind: Kind): string {
  const { random } = context;
  const definitions = 1 + random.below(3);
  const nested = { tail: random.pick(["", ".x", ".y"]), multi: random.chance(30) };
  const texts = Array.from({ length: definitions }, () => definitionText(context, name, kind, nested));
  if ((kind === "complete" || kind === "function") && random.chance(30)) {
    texts.push(`default ${name}${kind === "function" ? "(_)" : ""} := ${random.pick(["0", '"none"', "[]", "false"])}`);
  }
  return texts.join("\n\n");
}

interface Nested {
  readonly tail: string;
  readonly multi: boolean;
}

function definitionText(context: Context, name: string, kind: Kind, { tail, multi }: Nested): string {
  const { random } = context;
  switch (kind) {
    case "complete":
      return completeText(context, name);
    case "set": {
      const body = bodyText(context);
      const key = random.pick([term, pairTerm])(body.context);
      return `${name} contains ${key} if {\n${body.text}\n}`;
    }
    case "object": {
      const body = bodyText(context);
      return `${name}[${keyTerm(body.context)}] := ${term(body.context)} if {\n${body.text}\n}`;
    }
    case "nested": {
      const body = bodyText(context);
      return multi
        ? `${name}[${keyTerm(body.context)}]${tail} contains ${term(body.context)} if {\n${body.text}\n}`
        : `${name}[${keyTerm(body.context)}]${tail} := ${term(body.context)} if {\n${body.text}\n}`;
    }
    case "function": {
      const parameter = random.pick(["p", "p", "[p, _]", '{"a": p}', "1", '"a"']);
      const inner = parameter.includes("p") ? { ...context, variables: ["p"] } : context;
      return completeText(inner, `${name}(${parameter})`);
    }
    case "constants":
      return `${name} := ${random.pick(["1", '{"a": 1, "b": [1, 2]}', '["a", "b", 1]', '{1, 2, "a"}', "true"])}`;
    default:
      return kind satisfies never;
  }
}

function completeText(context: Context, head: string): string {
  const { random } = context;
  const body = bodyText(context);
  const value = random.chance(40) ? "" : ` := ${term(body.context)}`;
  const first = `${head}${value} if {\n${body.text}\n}`;
  if (!random.chance(20)) return first;
  const other = bodyText(context);
  return `${first} else := ${term(other.context)} if {\n${other.text}\n}`;
}

interface Body {
  readonly text: string;
  readonly context: Context;
}

function bodyText(context: Context): Body {
  const lines: string[] = [];
  let current = context;
  const count = 1 + context.random.below(3);
  for (let at = 0; at < count; at++) {
    const literal = literalText(current);
    lines.push(`${"  ".repeat(context.depth + 1)}${literal.text}`);
    current = literal.context;
  }
  return { text: lines.join("\n"), context: current };
}

// ── literals

function literalText(context: Context): Body {
  const { random } = context;
  const deeper = { ...context, depth: context.depth + 1 };
  const choice = context.depth > 2 ? random.below(6) : random.below(21);
  const variable = `v${context.nextVariable.value++}`;
  const bound = { ...context, variables: [...context.variables, variable] };
  switch (choice) {
    case 0:
    case 1:
      return { text: `${variable} := ${term(context)}`, context: bound };
    case 2:
    case 3:
      // A variable that is declared but not used is an error.
      return { text: `some ${variable} in ${collection(context)}; ${variable} != 77`, context: bound };
    case 4:
      return { text: `${open(context)} ${random.pick(["==", "!=", "<", ">=", "="])} ${term(context)}`, context };
    case 5:
      return { text: reference(context), context };
    case 6:
    case 7:
      return pairText(context);
    case 8:
      return { text: `not ${simpleLiteral(closed(deeper))}`, context };
    case 9: {
      const body = bodyText({ ...deeper, variables: [...context.variables, variable] });
      return { text: `every ${variable} in ${collection(context)} {\n${body.text}\n${variable} != 77 }`, context };
    }
    case 10:
      return { text: `${pattern(context, variable)} = ${open(context)}`, context: bound };
    case 11:
      return { text: `${variable} = ${reference(context)}[_]`, context: bound };
    case 12:
      return {
        text: `${simpleLiteral(context)} with input${random.pick(["", ".a", ".xs", ".o.a"])} as ${term(closed(context))}`,
        context,
      };
    case 13:
      return {
        text: `${simpleLiteral(context)} with data.base${random.pick(["", ".a", ".o"])} as ${term(closed(context))}`,
        context,
      };
    case 14: {
      const target = context.known.length > 0 ? random.pick(context.known) : null;
      if (target === null) return { text: "true", context };
      return {
        text: `${variable} := ${reference(context)} with data.g.${target.name} as ${term(closed(context))}`,
        context: bound,
      };
    }
    case 15:
      return mockText(context, bound, variable);
    case 16:
      return keyPatternText(context, bound, variable);
    case 17: {
      const path = `k${context.nextVariable.value++}`;
      const variables = [...context.variables, path, variable];
      return { text: `walk(${open(context)}, [${path}, ${variable}])`, context: { ...context, variables } };
    }
    case 18:
      return dynamicText(context, bound, variable);
    case 19:
      return { text: `count(${collection(context)}, ${variable})`, context: bound };
    default:
      return { text: `${open(context)} = ${term(context)}`, context };
  }
}

/** A call while the function is replaced by a value, a built-in or another function. */
function mockText(context: Context, bound: Context, variable: string): Body {
  const { random } = context;
  const functions = context.known.filter(({ kind }) => kind === "function").map(({ name }) => name);
  const target = random.pick(["count", ...functions]);
  const by = random.pick([term(closed(context)), "count", ...functions.map((name) => `data.g.${name}`)]);
  const call = target === "count" ? `count(${collection(context)})` : `${target}(${term(context)})`;
  const using = random.chance(50) ? call : reference(context);
  return {
    text: `${variable} := ${using} with ${target === "count" ? target : `data.g.${target}`} as ${by}`,
    context: bound,
  };
}

/** A key of a partial set of which a part is known. */
function keyPatternText(context: Context, bound: Context, variable: string): Body {
  const { random } = context;
  const sets = context.known.filter(({ kind }) => kind === "set");
  if (sets.length === 0) return { text: "true", context };
  const known = term(closed(context));
  const key = random.pick([`[${variable}, ${known}]`, `[${known}, ${variable}]`, `{"a": ${variable}, "b": ${known}}`]);
  return { text: `${random.pick(sets).name}[${key}]`, context: bound };
}

/** A rule chosen when running; only those that cannot be part of a circle, so it is the last rule that may do so. */
function dynamicText(context: Context, bound: Context, variable: string): Body {
  const { random } = context;
  return {
    text: `${variable} := data.base[${random.pick(['"a"', "_", "0", '"0"'])}]${random.pick(["", ".a", "[_]"])}`,
    context: bound,
  };
}

function pairText(context: Context): Body {
  const key = `k${context.nextVariable.value++}`;
  const value = `w${context.nextVariable.value++}`;
  const variables = [...context.variables, key, value];
  return {
    text: `some ${key}, ${value} in ${collection(context)}; [${key}, ${value}] != 77`,
    context: { ...context, variables },
  };
}

function simpleLiteral(context: Context): string {
  const { random } = context;
  return random.pick([
    () => `${open(context)} == ${term(context)}`,
    () => reference(context),
    () => `${term(context)} in ${collection(context)}`,
    () => `count(${collection(context)}) > ${random.below(3)}`,
  ])();
}

/** Under `not` and in the values of `with` wildcards would be unsafe. */
function closed(context: Context): Context {
  return { ...context, wildcards: false };
}

/** A reference whose type is not known, so that few comparisons with it are type errors. */
function open(context: Context): string {
  return reference({ ...context, known: [] });
}

function pattern(context: Context, variable: string): string {
  return context.random.pick([
    `[${variable}, _]`,
    `{"a": ${variable}}`,
    `[${variable}, ${term(context)}]`,
    `[_, [${variable}]]`,
  ]);
}

// ── terms

function term(context: Context): string {
  const { random, variables } = context;
  if (variables.length > 0 && random.chance(45)) return random.pick(variables);
  if (context.depth > 2 || random.chance(40))
    return random.pick(["1", "2", "0", '"a"', '"b"', "true", "false", "null", "1.5"]);
  const deeper = { ...context, depth: context.depth + 1 };
  return random.pick([
    () => `[${term(deeper)}, ${term(deeper)}]`,
    () => `{"a": ${term(deeper)}}`,
    () => `{${term(deeper)}, ${term(deeper)}}`,
    () => reference(deeper),
    () => reference(deeper),
    () => comprehension(deeper),
    () => `count(${collection(deeper)})`,
    () => callText(deeper),
  ])();
}

function pairTerm(context: Context): string {
  const { random } = context;
  const [first, second] = [term(context), term(context)];
  return random.pick([`[${first}, ${second}]`, `{"a": ${first}, "b": ${second}}`]);
}

function keyTerm(context: Context): string {
  const { random, variables } = context;
  if (variables.length > 0 && random.chance(70)) return random.pick(variables);
  return random.pick(['"a"', '"b"', "1", "[1]"]);
}

function comprehension(context: Context): string {
  const body = bodyText({ ...context, wildcards: true });
  const inner = body.text.trim().split("\n").join("; ").replaceAll(/\{;/g, "{").replaceAll(/; *\}/g, " }");
  return context.random.pick([
    () => `[${term(body.context)} | ${inner}]`,
    () => `{${term(body.context)} | ${inner}}`,
    () => `{${keyTerm(body.context)}: ${term(body.context)} | ${inner}}`,
  ])();
}

function collection(context: Context): string {
  const { random } = context;
  if (random.chance(25))
    return random.pick(["[1, 2, 2]", '{"a", "b"}', '{"a": 1, "b": 2}', "[[1, 2], [2, 3]]", "set()"]);
  return reference(context);
}

function callText(context: Context): string {
  const functions = context.known.filter(({ kind }) => kind === "function");
  if (functions.length === 0) return "1";
  return `${context.random.pick(functions).name}(${term(context)})`;
}

function reference(context: Context): string {
  const { random, known, variables } = context;
  const documents = known.filter(({ kind }) => kind !== "function");
  const roots = [
    "input",
    "input",
    "data.base",
    ...documents.map(({ name }) => name),
    ...documents.map(({ name }) => `data.g.${name}`),
  ];
  const root = random.pick(roots);
  const length = root === "input" || root === "data.base" ? 1 + random.below(3) : random.below(3);
  const parts = Array.from({ length }, () =>
    random.pick([
      () => `.${random.pick(keys)}`,
      () => `.${random.pick(keys)}`,
      () => `[${random.below(3)}]`,
      () => (context.wildcards ? "[_]" : "[0]"),
      () => (variables.length > 0 ? `[${random.pick(variables)}]` : ".b"),
      () => '["a"]',
    ])(),
  );
  return `${root}${parts.join("")}`;
}
