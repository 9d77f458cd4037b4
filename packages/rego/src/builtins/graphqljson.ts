// GraphQL documents as values and back. As a value, a document has neither positions nor anything null or empty below
// it. Reading is Go's: names may differ in case, what is unknown does not count, and the first thing of a wrong type is
// reported when all has been read. Any selection reads as a field unless that fails, whatever it was before; so says OPA.
// OPA: v1/topdown/graphql.go pruneIrrelevantGraphQLASTNodes; Go: encoding/json/decode.go; gqlparser: ast/decode.go.

import { type Budget, LimitError, integerOf, numberText } from "@portcullis/lang";
import { type PlainObject, type Value, isArray, isNumber, isPlainObject, typeName } from "../runtime/value.ts";
import { GraphqlError, type QueryDocument, type SchemaDocument, type Selection } from "./graphqlast.ts";
import {
  type FieldType,
  type NodeName,
  type Nodes,
  type PlainType,
  newNode,
  structures,
  zeroes,
} from "./graphqlstructs.ts";

// ── to values

export function documentJson(document: QueryDocument | SchemaDocument): PlainObject {
  return (nodeJson(document as unknown as RawNode) ?? {}) as PlainObject;
}

type RawNode = Readonly<Record<string, unknown>> & { readonly node: NodeName };

function nodeJson(node: RawNode): Value | undefined {
  const members: [string, Value][] = [];
  for (const [name, fieldType] of Object.entries(structures[node.node].fields)) {
    const value = fieldJson(node[name], fieldType);
    if (value !== undefined) members.push([name, value]);
  }
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

/** Undefined for what is left out. */
function fieldJson(value: unknown, fieldType: FieldType): Value | undefined {
  if (fieldType !== "selections" && "plain" in fieldType) return value as Value;
  if (fieldType !== "selections" && "struct" in fieldType) {
    return value === null ? undefined : nodeJson(value as RawNode);
  }
  const list = value as readonly unknown[];
  const items = list.flatMap((item) => (typeof item === "string" ? item : (nodeJson(item as RawNode) ?? [])));
  return items.length === 0 ? undefined : items;
}

// ── from values

interface Reading {
  readonly budget: Budget;
  depth: number;
  /** The names of the fields above, and the struct of the innermost. */
  readonly path: readonly string[];
  readonly struct: string;
  /** Below a reader of its own Go keeps to the struct that it stands in. */
  readonly isStructFixed: boolean;
  /** The first of its kind; reading goes on. */
  failure: string | null;
}

/** Throws GraphqlError with Go's text. */
export function documentOf<N extends "QueryDocument" | "SchemaDocument">(
  name: N,
  value: PlainObject,
  budget: Budget,
): Nodes[N] {
  const reading: Reading = { budget, depth: 0, path: [], struct: "", isStructFixed: false, failure: null };
  const node = readStruct(reading, name, value);
  if (reading.failure !== null) throw new GraphqlError(reading.failure);
  if (node === null) throw new GraphqlError("the document is null");
  return node;
}

function mismatch(reading: Reading, value: Value, goType: string): void {
  const found = isNumber(value) && goType === "ast.ValueKind" ? `number ${numberText(value)}` : jsonKind(value);
  const place = reading.path.length === 0 ? "value" : `struct field ${reading.struct}.${reading.path.join(".")}`;
  reading.failure ??= `json: cannot unmarshal ${found} into Go ${place} of type ${goType}`;
}

function jsonKind(value: Value): string {
  return typeof value === "boolean" ? "bool" : typeName(value);
}

const depthMax = 500;

/** Null for null. */
function readStruct<N extends NodeName>(reading: Reading, name: N, value: Value): Nodes[N] | null {
  reading.budget.step(50);
  if (value === null) return null;
  if (!isPlainObject(value)) {
    mismatch(reading, value, structures[name].isExact === true ? "map[string]json.RawMessage" : `ast.${name}`);
    return newNode(name);
  }
  if (++reading.depth > depthMax) throw new LimitError("depth");
  const { fields, isExact } = structures[name];
  const node = newNode(name) as unknown as Record<string, unknown>;
  for (const key of Object.keys(value).toSorted()) {
    const field = Object.hasOwn(fields, key) ? key : isExact === true ? undefined : foldedName(name, key);
    const fieldType = field === undefined ? undefined : fields[field];
    // Exact readers leave comments alone.
    if (field === undefined || fieldType === undefined || (isExact === true && field === "Comment")) continue;
    const inner: Reading = { ...reading, ...below(reading, name, field, isExact === true) };
    const made = readField(inner, fieldType, value[key] as Value);
    reading.failure ??= inner.failure;
    if (made !== undefined) node[field] = made;
  }
  reading.depth--;
  return node as unknown as Nodes[N];
}

/** Readers of their own begin a path of their own, which Go then puts below the field they stand in. */
function below(
  { path, struct, isStructFixed }: Reading,
  name: string,
  field: string,
  isExact: boolean,
): Pick<Reading, "path" | "struct" | "isStructFixed"> {
  if (isExact) return { path, struct, isStructFixed: true };
  return { path: [...path, field], struct: isStructFixed ? struct : name, isStructFixed };
}

const foldedNames = new Map<NodeName, ReadonlyMap<string, string>>();

function foldedName(name: NodeName, key: string): string | undefined {
  const known = foldedNames.get(name);
  if (known !== undefined) return known.get(key.toLowerCase());
  const names = Object.keys(structures[name].fields).map((field) => [field.toLowerCase(), field] as const);
  foldedNames.set(name, new Map(names));
  return foldedName(name, key);
}

/** Undefined leaves the field as it is. */
function readField(reading: Reading, fieldType: FieldType, value: Value): unknown {
  if (fieldType === "selections") return readSelections(reading, value);
  if (value === null) return undefined;
  if ("plain" in fieldType) return readPlain(reading, fieldType, value);
  if ("struct" in fieldType) return readStruct(reading, fieldType.struct, value);
  const { list, goName } = fieldType;
  if (!isArray(value)) {
    mismatch(reading, value, goName);
    return undefined;
  }
  return value.map((item) =>
    typeof list === "string" ? element(reading, list, item) : readPlain(reading, list, item),
  );
}

/** Go leaves a nil pointer there, and stops when it comes by it. */
function element(reading: Reading, name: NodeName, item: Value): unknown {
  const made = readStruct(reading, name, item);
  if (made === null) throw new GraphqlError("the document has a part that is null");
  return made;
}

function readPlain(reading: Reading, { plain, goName }: PlainType, value: Value): unknown {
  if (plain === "int") {
    const integer = isNumber(value) ? integerOf(value) : null;
    if (integer !== null) return Number(integer);
  } else if (typeof value === (plain === "bool" ? "boolean" : "string")) {
    return value;
  }
  if (value !== null) mismatch(reading, value, goName);
  return zeroes[plain];
}

/** What reads as nothing is left out. */
function readSelections(reading: Reading, value: Value): Selection[] {
  if (value === null) return [];
  if (!isArray(value)) {
    mismatch(reading, value, "[]json.RawMessage");
    return [];
  }
  return value.flatMap((item): Selection[] => {
    for (const name of ["Field", "FragmentSpread", "InlineFragment"] as const) {
      const attempt: Reading = { ...reading, path: [], struct: "", isStructFixed: false, failure: null };
      const made = item === null ? newNode(name) : readStruct(attempt, name, item);
      if (attempt.failure === null && made !== null) return [made];
    }
    return [];
  });
}
