// Expressions of chainsaw files: JMESPath in parentheses, with bindings as `$name`. The language itself has no bindings, so
// each is replaced by its value as a literal before the expression is compiled; text in quotes is left alone.

import { Decimal, formatDiagnostic } from "@portcullis/lang";
import { type JmesFunction, SearchError, type Value, compile, standard } from "@portcullis/jmespath";
import { testWorld, unlimited } from "../world.ts";

export type Bindings = ReadonlyMap<string, unknown>;

/** The expression within `( … )`; null when the text is not one. */
export function expressionIn(text: string): string | null {
  const match = /^\((.*)\)$/s.exec(text.trim());
  return match?.[1] ?? null;
}

/** The value that an expression selects. Throws an Error with the reason when it has none. */
export function evaluate(expression: string, value: unknown, bindings: Bindings): unknown {
  const text = bind(expression, bindings);
  const { value: compiled, diagnostics } = compile(text, dialect);
  const [first] = diagnostics;
  if (compiled === null) throw new Error(first === undefined ? `(${expression})` : formatDiagnostic(first));
  const outcome = compiled.search(value, { world: testWorld(), budget: unlimited() });
  if (outcome instanceof SearchError) throw new Error(`(${expression}): ${outcome.message}`);
  return outcome;
}

/** A tree with the strings that are expressions replaced by their values. */
export function fill(tree: unknown, bindings: Bindings): unknown {
  if (typeof tree === "string") {
    const expression = expressionIn(tree);
    return expression === null ? tree : evaluate(expression, null, bindings);
  }
  if (Array.isArray(tree)) return tree.map((item) => fill(item, bindings));
  if (typeof tree !== "object" || tree === null || tree instanceof Decimal) return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, fill(item, bindings)]));
}

function bind(expression: string, bindings: Bindings): string {
  return expression.replaceAll(quotedOrBinding, (text, name: string | undefined) => {
    if (name === undefined) return text;
    if (!bindings.has(name)) throw new Error(`$${name} is not bound`);
    return `\`${JSON.stringify(bindings.get(name) ?? null).replaceAll("`", "\\`")}\``;
  });
}

const quotedOrBinding = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|\$([A-Za-z_]\w*)/gs;

function textFunction(name: string, compute: (text: string) => Value): JmesFunction {
  return { name, parameters: [["string"]], evaluate: (_run, text = null) => compute(text as string) };
}

const own: readonly JmesFunction[] = [
  textFunction("trim_space", (text) => text.trim()),
  textFunction("json_parse", (text) => JSON.parse(text) as Value),
];

const dialect = {
  ...standard,
  name: "chainsaw",
  functions: new Map([...standard.functions, ...own.map((fn) => [fn.name, fn] as const)]),
};
