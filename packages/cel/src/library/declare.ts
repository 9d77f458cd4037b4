// Overloads are declared by the text with which cel-go prints them: `list(<T>).slice(int, int) -> list(<T>)`, so that a
// library reads like its documentation. The text is read once, when the library is made. A name that is none of the
// language's own types is a type of a library.

import type { Budget } from "@portcullis/lang";
import type { Implementation, Overload } from "../library.ts";
import type { ZoneOffset } from "../program.ts";
import type { CelError, Value } from "../runtime/value.ts";
import * as types from "../types.ts";
import type { Type } from "../types.ts";

/** Takes the arguments as the signature declares them. */
type Typed<A extends readonly unknown[]> = (args: A, budget: Budget, zoneOffset?: ZoneOffset) => Value | CelError;

export type OverloadOptions = Omit<Overload, "id" | "function" | "member" | "parameters" | "result" | "run">;

/** A global function: `lists.range(int) -> list(int)`. */
export function global<const A extends readonly unknown[]>(
  signature: string,
  id: string,
  run: Typed<A>,
  options: OverloadOptions = {},
): Overload {
  const { head, parameters, result } = readSignature(signature);
  return { id, function: head, member: false, parameters, result, run: run as unknown as Implementation, ...options };
}

/** A function of a receiver: `string.charAt(int) -> string`. */
export function method<const A extends readonly unknown[]>(
  signature: string,
  id: string,
  run: Typed<A>,
  options: OverloadOptions = {},
): Overload {
  const { head, parameters, result } = readSignature(signature);
  const dot = head.lastIndexOf(".");
  return {
    id,
    function: head.slice(dot + 1),
    member: true,
    parameters: [readType(head.slice(0, dot)), ...parameters],
    result,
    run: run as unknown as Implementation,
    ...options,
  };
}

interface Signature {
  /** What stands before the parameters: the name, behind the receiver's type. */
  readonly head: string;
  readonly parameters: readonly Type[];
  readonly result: Type;
}

function readSignature(text: string): Signature {
  const arrow = text.lastIndexOf(" -> ");
  const call = text.slice(0, arrow);
  const open = openingOf(call);
  return {
    head: call.slice(0, open),
    parameters: splitTypes(call.slice(open + 1, -1)).map(readType),
    result: readType(text.slice(arrow + 4)),
  };
}

/** Where the parenthesis opens that closes at the end. */
function openingOf(call: string): number {
  let depth = 0;
  for (let at = call.length - 1; at >= 0; at--) {
    if (call[at] === ")") depth++;
    if (call[at] === "(" && --depth === 0) return at;
  }
  throw new RangeError(`not a signature: ${call}`);
}

/** The parts between the commas that stand in no parentheses. */
function splitTypes(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")") depth--;
    else if (text[at] === "," && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return text === "" ? [] : [...parts, text.slice(from)].map((part) => part.trim());
}

const named: ReadonlyMap<string, Type> = new Map<string, Type>([
  ...[types.dyn, types.bool, types.int, types.uint, types.double, types.string, types.bytes].map(
    (type) => [type.kind, type] as const,
  ),
  ["null_type", types.nullType],
  ["type", types.typeOf(null)],
  ["google.protobuf.Timestamp", types.timestamp],
  ["google.protobuf.Duration", types.duration],
]);

/** A type by its text: `map(string, list(<T>))`. */
export function readType(text: string): Type {
  const known = named.get(text);
  if (known !== undefined) return known;
  if (text.startsWith("<")) return types.parameter(text.slice(1, -1));
  const open = text.indexOf("(");
  // To cel-go these are messages that nobody has declared.
  if (open === -1) return text.startsWith("kubernetes.") ? types.struct(text) : types.opaque(text);
  const name = text.slice(0, open);
  const parameters = splitTypes(text.slice(open + 1, -1)).map(readType);
  const [first = types.dyn, second = types.dyn] = parameters;
  if (name === "list") return types.listOf(first);
  if (name === "map") return types.mapOf(first, second);
  return name === "type" ? types.typeOf(first) : types.opaque(name, ...parameters);
}
