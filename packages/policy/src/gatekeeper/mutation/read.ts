// One mutator, from its object to what changes others: the checks in the order in which Gatekeeper makes them, and the
// compiled change. The first check that fails gives the mutator's problem in Gatekeeper's words; before that, an API
// server would have held it to its schema.
// Gatekeeper: pkg/mutation/mutators/{assign,assignmeta,modifyset,assignimage}.

import { aggregateText, gvkOf, member, nameOf, stringAt, valueAt } from "@portcullis/kube";
import { type AnyNumber, type Diagnostic, Decimal, errorAt, integerOf } from "@portcullis/lang";
import { quote, utf8Length } from "@portcullis/lang/go";
import type { Locate, Profile, ReadFrom } from "../../engine/frontend.ts";
import { canonicalJson } from "../../engine/digest.ts";
import type { Json } from "../../engine/request.ts";
import { type ObjectMatcher, compileObjectMatch } from "../constraint/match.ts";
import { goText } from "../gocode.ts";
import { listAt } from "../tree.ts";
import { type ApplyTo, applyToProblem, readApplyTo } from "./applyto.ts";
import { type Change, type Setter, compileChange } from "./change.ts";
import { partsProblem } from "./image.ts";
import { type Location, isMetadata, keyChangeProblem, parseLocation } from "./location.ts";
import { type Conditions, type PathTest, compileTests } from "./pathtest.ts";
import { type MutatorKind, isMutatorKind, mutatorSchema, servedVersions } from "./schema.ts";
import { imageSetter, metadataSetter, providerSetter, setSetter, valueSetter } from "./setter.ts";
import { isMap } from "./tree.ts";

export const mutationGroup = "mutations.gatekeeper.sh";

export interface MutatorOptions {
  /** False: mutators that ask providers are refused. */
  readonly externalData: boolean;
}

/** A mutator as it was read. */
export interface MutatorUnit {
  readonly unit: "mutator";
  readonly kind: MutatorKind;
  readonly name: string;
  readonly locate: Locate | null;
  /** Compiled for a profile: gator fills in no defaults. */
  readonly build: (profile: Profile) => Built;
  /** What is against strict reading only: fields that nobody knows, a version that is not served. */
  readonly strict: readonly Diagnostic[];
}

type Built =
  | { readonly mutator: Mutator; readonly problem: null }
  | { readonly mutator: null; readonly problem: Problem };

interface Problem {
  /** Gatekeeper's error text. */
  readonly text: string;
  readonly path: readonly (string | number)[];
}

/** A mutator that changes objects. */
export interface Mutator {
  readonly kind: MutatorKind;
  readonly name: string;
  /** `Assign.mutations.gatekeeper.sh /name`. */
  readonly id: string;
  /** `Assign//name:generation`, for the annotation. */
  readonly label: string;
  /** Null: every kind. */
  readonly applyTo: readonly ApplyTo[] | null;
  readonly matcher: ObjectMatcher;
  /** Equal for equal matches. */
  readonly matchKey: string;
  readonly location: Location;
  /** What the location says about the type of its last field. */
  readonly terminal: "Unknown" | "Set" | "String";
  /** No other mutator may reach below this one's location. */
  readonly mustTerminate: boolean;
  readonly change: Change;
  /** What it depends on and how it ends: for what the writes of others mean to it. */
  readonly conditions: Conditions;
  readonly setter: Setter;
}

/** Reads a mutator; null with the reason when the object is none. */
export function readMutator(
  object: Json,
  from: ReadFrom,
  options: MutatorOptions,
): { readonly unit: MutatorUnit | null; readonly diagnostics: readonly Diagnostic[] } {
  const { kind } = gvkOf(object);
  const place = (path: Problem["path"]): ReturnType<Locate> => from.locate?.(path) ?? null;
  if (!isMutatorKind(kind)) {
    return { unit: null, diagnostics: [errorAt("mutator", place(["kind"]), unserved(object))] };
  }
  const schema = mutatorSchema(kind, gvkOf(object).version);
  const build = (profile: Profile): Built =>
    buildMutator(kind, profile === "gator" ? object : schema.asStored(object), options);
  const built = build("cluster");
  const unit: MutatorUnit = {
    unit: "mutator",
    kind,
    name: nameOf(object),
    locate: from.locate ?? null,
    build: (profile) => (profile === "cluster" ? built : build(profile)),
    strict: strictDiagnostics(kind, object, place),
  };
  const diagnostics = built.problem === null ? [] : [errorAt("mutator", place(built.problem.path), built.problem.text)];
  return { unit, diagnostics };
}

/** What an API server, or its client, would refuse, and gator takes. */
function strictDiagnostics(
  kind: MutatorKind,
  object: Json,
  place: (path: Problem["path"]) => ReturnType<Locate>,
): readonly Diagnostic[] {
  const schema = mutatorSchema(kind, gvkOf(object).version);
  const errors = schema.validate(schema.asStored(object), "");
  const text = aggregateText(errors);
  const unknown = schema
    .unknownFields(object)
    .map((field) => errorAt("mutator-field", place(field.path), `unknown field ${quote(field.text)}`));
  return [
    ...(servedVersions(kind).includes(gvkOf(object).version)
      ? []
      : [errorAt("mutator", place(["apiVersion"]), unserved(object))]),
    ...(text === null ? [] : [errorAt("mutator-schema", place(errors[0]?.path ?? ["spec"]), text)]),
    ...unknown,
  ];
}

function unserved(object: Json): string {
  return `no matches for kind ${quote(gvkOf(object).kind)} in version ${quote(stringAt(object, "apiVersion"))}`;
}

// ── the checks

/** What a kind says about itself once its own checks are done. */
interface Parts {
  readonly location: Location;
  readonly setter: Setter;
  readonly mustTerminate: boolean;
  readonly terminal: Mutator["terminal"];
  readonly tests: readonly PathTest[];
  readonly applyTo: readonly ApplyTo[] | null;
}

interface Reading {
  readonly kind: MutatorKind;
  readonly name: string;
  readonly spec: Json;
  readonly options: MutatorOptions;
}

type Read = Parts | Problem;

function problemAt(text: string, ...path: Problem["path"]): Problem {
  return { text, path: ["spec", ...path] };
}

function buildMutator(kind: MutatorKind, object: Json, options: MutatorOptions): Built {
  const name = nameOf(object);
  const failed = (problem: Problem): Built => ({ mutator: null, problem });
  if (utf8Length(name) > 63)
    return failed({ text: "maximum name length is 63 characters", path: ["metadata", "name"] });
  const spec = member(object, "spec");
  const parts = readers[kind]({ kind, name, spec, options });
  if ("text" in parts) return failed(parts);
  const conditions = compileTests(parts.tests, { mutator: `${kind} ${name}`, location: parts.location });
  if ("error" in conditions) return failed(problemAt(conditions.error, "parameters", "pathTests"));
  const wrong = parts.applyTo === null ? null : applyToProblem(parts.applyTo, `${kind} mutator ${name}`);
  if (wrong !== null) return failed(problemAt(wrong, "applyTo"));
  const generation = valueAt(object, "metadata", "generation");
  const mutator: Mutator = {
    kind,
    name,
    id: `${kind}.${mutationGroup} /${name}`,
    label: `${kind}//${name}:${typeof generation === "number" ? generation : 0}`,
    applyTo: parts.applyTo,
    matcher: compileObjectMatch(member(spec, "match")),
    matchKey: canonicalJson(member(spec, "match") ?? null),
    location: parts.location,
    terminal: parts.terminal,
    mustTerminate: parts.mustTerminate,
    change: compileChange(parts.location, conditions, parts.setter),
    conditions,
    setter: parts.setter,
  };
  return { mutator, problem: null };
}

const readers: Readonly<Record<MutatorKind, (reading: Reading) => Read>> = {
  Assign: readAssign,
  AssignMetadata: readAssignMetadata,
  ModifySet: readModifySet,
  AssignImage: readAssignImage,
};

function readAssign(reading: Reading): Read {
  const { name, spec } = reading;
  const location = locationOf(reading, "Assign");
  if ("text" in location) return location;
  if (isMetadata(location)) return problemAt(`assign ${name} can't change metadata`, "location");
  const keyProblem = keyChangeProblem(location);
  if (keyProblem !== null) return problemAt(keyProblem, "location");
  const source = readSource(reading);
  if ("text" in source) return source;
  const onList = listProblem(location, source);
  if (onList !== null) return problemAt(onList, "parameters", "assign");
  return {
    location,
    setter: source.setter,
    mustTerminate: source.from === "externalData",
    terminal: "Unknown",
    tests: testsOf(spec),
    applyTo: readApplyTo(spec),
  };
}

function readAssignMetadata(reading: Reading): Read {
  const { name, spec } = reading;
  const text = stringAt(spec, "location");
  const location = parseLocation(text);
  if ("error" in location) {
    return problemAt(`invalid location format for AssignMetadata ${name}: ${text}: ${location.error}`, "location");
  }
  const [, middle] = location;
  const isAllowed =
    isMetadata(location) &&
    location.length === 3 &&
    location.every((step) => step.kind === "field") &&
    middle?.kind === "field" &&
    (middle.name === "labels" || middle.name === "annotations");
  if (!isAllowed) return problemAt(`invalid location for assignmetadata ${name}: ${text}`, "location");
  const source = readSource(reading);
  if ("text" in source) return source;
  if (source.from === "externalData" && source.dataSource !== "Username") {
    return problemAt(`only username data source is supported for assignmetadata ${name}`, "parameters", "assign");
  }
  if (source.from === "value" && typeof source.value !== "string") {
    const wrong = `spec.parameters.assign.value field must be a string for AssignMetadata ${quote(name)}`;
    return problemAt(wrong, "parameters", "assign", "value");
  }
  return {
    location,
    setter: source.setter,
    mustTerminate: false,
    terminal: "Unknown",
    // What is there is never overwritten.
    tests: [{ subPath: text, condition: "MustNotExist" }],
    applyTo: null,
  };
}

function readModifySet(reading: Reading): Read {
  const { name, spec } = reading;
  const undecodable = fromListProblem(valueAt(spec, "parameters", "values", "fromList"));
  if (undecodable !== null) return undecodable;
  const location = locationOf(reading, "ModifySet");
  if ("text" in location) return location;
  if (isMetadata(location)) return problemAt(`modifyset ${name} can't change metadata`, "location");
  if (location.at(-1)?.kind === "element") {
    return problemAt("final node in a modifyset location cannot be a keyed list", "location");
  }
  const operation = stringAt(spec, "parameters", "operation");
  return {
    location,
    setter: setSetter(operation, listAt(spec, "parameters", "values", "fromList")),
    mustTerminate: false,
    terminal: "Set",
    tests: testsOf(spec),
    applyTo: readApplyTo(spec),
  };
}

/** The schema leaves open what `values` holds; Go's decoder does not. */
function fromListProblem(list: Json): Problem | null {
  if (list === undefined || list === null || Array.isArray(list)) return null;
  const field = "Go struct field Values.spec.parameters.values.fromList of type []interface {}";
  const problem = `json: cannot unmarshal ${jsonType(list)} into ${field}`;
  return problemAt(problem, "parameters", "values", "fromList");
}

/** As encoding/json calls what it could not decode. */
function jsonType(value: Json): string {
  if (isMap(value)) return "object";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "number";
}

function readAssignImage(reading: Reading): Read {
  const { name, spec } = reading;
  const location = locationOf(reading, "assignImage");
  if ("text" in location) return location;
  if (isMetadata(location)) return problemAt(`assignImage ${name} can't change metadata`, "location");
  if (location.at(-1)?.kind === "element") {
    return problemAt(`assignImage ${name} cannot mutate list-type fields`, "location");
  }
  const keyProblem = keyChangeProblem(location);
  if (keyProblem !== null) return problemAt(keyProblem, "location");
  const parts = {
    domain: stringAt(spec, "parameters", "assignDomain"),
    path: stringAt(spec, "parameters", "assignPath"),
    tag: stringAt(spec, "parameters", "assignTag"),
  };
  const wrong = partsProblem(parts);
  if (wrong !== null) return problemAt(`assignImage ${name} has invalid parameters: ${wrong}`, "parameters");
  return {
    location,
    setter: imageSetter(parts),
    mustTerminate: true,
    terminal: "String",
    tests: testsOf(spec),
    applyTo: readApplyTo(spec),
  };
}

/** `shown` is how Gatekeeper calls the kind in this message. */
function locationOf({ name, spec }: Reading, shown: string): Location | Problem {
  const text = stringAt(spec, "location");
  const location = parseLocation(text);
  if (!("error" in location)) return location;
  return problemAt(`invalid location format \`${text}\` for ${shown} ${name}: ${location.error}`, "location");
}

function testsOf(spec: Json): readonly PathTest[] {
  return listAt(spec, "parameters", "pathTests").map((test) => ({
    subPath: stringAt(test, "subPath"),
    condition: stringAt(test, "condition"),
  }));
}

// ── where an assigned value comes from

type Source =
  | { readonly from: "value"; readonly value: Json; readonly setter: Setter }
  | { readonly from: "fromMetadata"; readonly setter: Setter }
  | { readonly from: "externalData"; readonly dataSource: string; readonly setter: Setter };

function readSource({ spec, options }: Reading): Source | Problem {
  const assign = valueAt(spec, "parameters", "assign");
  const wrong = (text: string): Problem => problemAt(text, "parameters", "assign");
  const [first, second] = (["externalData", "value", "fromMetadata"] as const).filter(
    (field) => (member(assign, field) ?? null) !== null,
  );
  const fields = "one of `externalData`, `value` or `fromMetadata`: invalid assign field";
  if (first === undefined) return wrong(`assign must set ${fields}`);
  if (second !== undefined) return wrong(`assign must only set ${fields}`);
  const given = member(assign, first);
  if (first === "value") {
    const value = plainNumbers(given);
    return { from: first, value, setter: valueSetter(value) };
  }
  if (first === "fromMetadata") {
    const field = stringAt(given, "field");
    if (field === "name" || field === "namespace") return { from: first, setter: metadataSetter(field) };
    return wrong(`field ${field} is not recognized: invalid fromMetadata field`);
  }
  if (!options.externalData) return wrong("external data feature flag is not enabled");
  const ref = {
    provider: stringAt(given, "provider"),
    dataSource: stringAt(given, "dataSource"),
    failurePolicy: stringAt(given, "failurePolicy"),
    default: stringAt(given, "default"),
  };
  if (ref.failurePolicy === "UseDefault" && ref.default === "") {
    return wrong("`default` must not be empty when `failurePolicy` is set to `UseDefault`");
  }
  return { from: first, dataSource: ref.dataSource, setter: providerSetter(ref) };
}

/** Gatekeeper reads a value's numbers as floats and writes 1.0 as 1. Integers that a float would change stay. */
function plainNumbers(value: Json): Json {
  if (value instanceof Decimal) return plainNumber(value);
  if (Array.isArray(value)) return value.map(plainNumbers);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainNumbers(item)]));
}

function plainNumber(value: Decimal): AnyNumber {
  const integer = integerOf(value);
  if (integer === null) return Number(value.text);
  return integer === BigInt(Number(integer)) ? Number(integer) : value;
}

/** Gatekeeper's text where a value cannot be a list element. */
function listProblem(location: Location, source: Source): string | null {
  const last = location.at(-1);
  if (last?.kind !== "element") return null;
  if (source.from === "fromMetadata") return "cannot assign a metadata field to a list";
  if (source.from === "externalData") return "cannot assign external data response to a list";
  if (last.value === null) return "can't append to a globbed list";
  const { value } = source;
  if (!isMap(value)) return `invalid value: \`${goText(value, "float64")}\`, only objects can be added to keyed lists`;
  const given = member(value, last.key);
  // Gatekeeper never takes an integer for the same: it is an int64 in the location and a float64 in the value.
  if (given === last.value && typeof given === "string") return null;
  const keys = `list key ${goText(last.value)}, object key ${goText(given, "float64")}`;
  return `adding object to list with different key ${last.key}: ${keys}`;
}
