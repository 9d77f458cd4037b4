// What can be known of `'…'.format([…])` before it runs: whether its clauses are such, whether there is an argument for each,
// and whether its type fits. Only the first mistake of a call is told. cel-go: ext/formatting.go stringFormatValidator.

import type { Call, Expression, ListLiteral } from "../ast.ts";
import type { Checked } from "../checked.ts";
import { encodeUtf8 } from "@portcullis/lang/go";
import type { Type } from "../types.ts";
import { declaredName } from "./format.ts";

/** What is wrong, at the node of that number. */
export interface FormatError {
  readonly id: number;
  readonly message: string;
}

export function checkFormatCall(checked: Checked, call: Call): FormatError | null {
  const reference = checked.references.get(call.id);
  const isFormat = reference !== undefined && "overloads" in reference && reference.overloads.includes("string_format");
  const { target, args } = call;
  const [list] = args;
  if (!isFormat || target?.kind !== "constant" || typeof target.value !== "string" || list?.kind !== "list")
    return null;
  const found = checkClauses(checked, target.value, list);
  if (typeof found === "number") {
    const given = list.elements.length;
    if (given <= found) return null;
    return { id: call.id, message: `too many arguments supplied to string.format (expected ${found}, got ${given})` };
  }
  return { id: found.id ?? call.id, message: found.message };
}

/** Without a number it is of the whole call. */
interface ClauseError {
  readonly id?: number;
  readonly message: string;
}

/** How many arguments it takes, or what is wrong. */
function checkClauses(checked: Checked, format: string, { elements }: ListLiteral): number | ClauseError {
  let count = 0;
  for (let at = format.indexOf("%"); at >= 0; at = format.indexOf("%", at)) {
    if (format[at + 1] === "%") {
      at += 2;
      continue;
    }
    if (at + 1 >= format.length) return { message: "unexpected end of string" };
    const arg = elements[count];
    if (arg === undefined) return { message: `index ${count} out of range` };
    const clause = readClause(format, at + 1);
    if ("wrong" in clause) return { message: `could not parse formatting clause: ${clause.wrong}` };
    const misfit = checkArgument(checked, clause.verb, arg);
    if (misfit !== null) return { id: misfit.id, message: `error during formatting: ${misfit.message}` };
    count++;
    at = clause.end;
  }
  return count;
}

type Clause = { readonly verb: Verb; readonly end: number } | { readonly wrong: string };

/** After the percent sign. */
function readClause(format: string, from: number): Clause {
  let at = from;
  if (format[at] === ".") {
    at++;
    while ((format[at] ?? "") >= "0" && (format[at] ?? "") <= "9") at++;
    const wrong =
      at >= format.length ? "could not find end of precision specifier" : wrongPrecision(format.slice(from + 1, at));
    if (wrong !== null) return { wrong: `error while parsing precision: ${wrong}` };
  }
  const char = format[at] ?? "";
  const verb = char === "X" ? "x" : char;
  if (isVerb(verb)) return { verb, end: at + 1 };
  return { wrong: `unrecognized formatting clause "${String.fromCodePoint(encodeUtf8(format.slice(at))[0] ?? 0)}"` };
}

function wrongPrecision(digits: string): string | null {
  const problem = digits === "" ? "invalid syntax" : BigInt(digits) >= 2n ** 63n ? "value out of range" : null;
  if (problem === null) return null;
  return `error while converting precision to integer: strconv.Atoi: parsing "${digits}": ${problem}`;
}

type Verb = keyof typeof verbs;

interface VerbRule {
  readonly kinds: readonly Type["kind"][];
  readonly message: string;
}

const numbers = ["double", "string"] as const;
const integers = ["int", "uint"] as const;
const plain = [
  "list",
  "map",
  ...integers,
  "double",
  "bool",
  "string",
  "timestamp",
  "bytes",
  "duration",
  "type",
  "null",
] as const;

const verbs = {
  s: {
    kinds: plain,
    message:
      "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
  },
  d: { kinds: integers, message: "decimal clause can only be used on integers" },
  f: { kinds: numbers, message: "fixed-point clause can only be used on doubles" },
  e: { kinds: numbers, message: "scientific clause can only be used on doubles" },
  b: { kinds: [...integers, "bool"], message: "only integers and bools can be formatted as binary" },
  x: {
    kinds: [...integers, "string", "bytes"],
    message: "only integers, byte buffers, and strings can be formatted as hex",
  },
  o: { kinds: integers, message: "octal clause can only be used on integers" },
} satisfies Record<string, VerbRule>;

const isVerb = (text: string): text is Verb => Object.hasOwn(verbs, text);

function checkArgument(checked: Checked, verb: Verb, arg: Expression): FormatError | null {
  const rule: VerbRule = verbs[verb];
  const type = checked.types.get(arg.id);
  if (type !== undefined && type.kind !== "dyn" && !rule.kinds.includes(type.kind)) {
    return {
      id: arg.id,
      message: `${rule.message}, was given ${declaredName(unwrapped(type))}`,
    };
  }
  if (verb !== "s") return null;
  const parts = arg.kind === "list" ? arg.elements : arg.kind === "map" ? entriesOf(arg.entries) : [];
  for (const part of parts) {
    const wrong = checkArgument(checked, verb, part);
    if (wrong !== null) return wrong;
  }
  return null;
}

function entriesOf(
  entries: readonly { readonly key: Expression; readonly value: Expression }[],
): readonly Expression[] {
  return entries.flatMap(({ key, value }) => [key, value]);
}

/** The type of the value in a wrapper. */
function unwrapped(type: Type): Type {
  return "nullable" in type ? { kind: type.kind } : type;
}
