// One ConstraintTemplate, from its object to what decides: the checks in the order in which Gatekeeper makes them, the
// CRD of the constraint kind, and the compiled Rego. The first check that fails gives the template's problem, which is
// Gatekeeper's own text; diagnostics say the same with its place in the file.
// Frameworks: pkg/client/client.go AddTemplate, pkg/apis/templates/*/conversion.go.

import { type JsonRecord, fieldErrorText, gvkOf, isObject, nameOf, stringAt, valueAt } from "@portcullis/kube";
import { type Diagnostic, type Span, errorAt, warningAt } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { Locate, ReadFrom } from "../../engine/frontend.ts";
import type { Scope } from "../../engine/policy.ts";
import type { Json } from "../../engine/request.ts";
import { accessorError } from "../gocode.ts";
import { type CompiledSchema, compileCrdSchema, compileSchema } from "../schema.ts";
import { asRecord, listAt, stringsAt } from "../tree.ts";
import type { DecodeError } from "../gotype.ts";
import { decodeError } from "./decode.ts";
import { constraintCrd, constraintSchema, loosened } from "./crd.ts";
import { type CompiledRego, type RegoOptions, type TemplateRego, compileRego, regoReads } from "./rego.ts";
import { templateSchema } from "./template-schema.ts";

export interface Template {
  readonly unit: "template";
  readonly name: string;
  /** The constraint kind. */
  readonly kind: string;
  /** Of admission requests that it judges; empty: all. */
  readonly operations: readonly string[];
  /** Null when there is a problem. */
  readonly ready: ReadyTemplate | null;
  /** Gatekeeper's error text. */
  readonly problem: string | null;
  /** The object cannot even be taken for a template, which gator says in another way. */
  readonly undecodable: boolean;
  /** What is against strict reading only: fields that nobody knows. */
  readonly strict: readonly Diagnostic[];
}

export interface ReadyTemplate {
  readonly crd: Json;
  readonly schema: CompiledSchema;
  readonly rego: CompiledRego;
  /** Where a place in the Rego (`template` or `libs["lib_0"]`) stands in the template's file. */
  readonly placeOf: (file: string, line: number, column: number) => Span | null;
}

export interface ReadTemplate {
  readonly template: Template;
  readonly diagnostics: readonly Diagnostic[];
}

export const templateGroup = "templates.gatekeeper.sh";
const targetName = "admission.k8s.gatekeeper.sh";

export function readTemplate(object: Json, from: ReadFrom, options: RegoOptions): ReadTemplate {
  const kind = stringAt(object, "spec", "crd", "spec", "names", "kind");
  const base = { unit: "template" as const, name: nameOf(object), kind };
  const failed = (failure: Failure, strict: readonly Diagnostic[] = []): ReadTemplate => {
    const span = failure.span ?? from.locate?.(failure.path ?? ["metadata", "name"]) ?? null;
    const diagnostics = failure.diagnostics ?? [
      errorAt(failure.code ?? "template", span, failure.problem.trimEnd(), failure.hint),
    ];
    return {
      template: {
        ...base,
        operations: [],
        ready: null,
        problem: failure.problem,
        undecodable: failure.undecodable ?? false,
        strict,
      },
      diagnostics,
    };
  };
  const decoding = templateDecodeError(object);
  if (decoding !== null) return failed({ problem: decoding.text, path: decoding.path, undecodable: true });
  const strict = strictProblems(object, from.locate);
  const failure = namesProblem(object, kind);
  if (failure !== null) return failed(failure, strict);
  const parameters = parametersOf(object, gvkOf(object).version);
  const schema = constraintSchema(parameters);
  const shortNames = stringsAt(object, "spec", "crd", "spec", "names", "shortNames");
  const compiled = compileCrdSchema(schema, { kind, shortNames });
  if ("error" in compiled) {
    const path = ["spec", "crd", "spec", "validation"];
    return failed({ problem: `invalid ConstraintTemplate: ${compiled.error}`, path, code: "template-schema" }, strict);
  }
  const source = regoOf(object);
  if ("problem" in source) return failed(source, strict);
  const rego = compileRego(source.text, options);
  if (rego.compiled === null) {
    const diagnostics = rego.diagnostics.map((one) => placed(one, source, from.locate));
    return failed({ problem: rego.problem, diagnostics }, strict);
  }
  const names = {
    kind,
    shortNames,
    labels: asRecord(valueAt(object, "metadata", "labels")) ?? {},
    parameters,
  };
  const ready = {
    crd: constraintCrd(names, schema),
    schema: compiled.schema,
    rego: rego.compiled,
    placeOf: placesOf(source, from.locate),
  };
  const operations = stringsAt(listAt(object, "spec", "targets")[0], "operations");
  const diagnostics = rego.diagnostics.map((one) => placed(one, source, from.locate));
  return { template: { ...base, operations, ready, problem: null, undecodable: false, strict }, diagnostics };
}

/** Why an object cannot become a template of Go's at all; null when it can. */
export function templateDecodeError(object: Json): DecodeError | null {
  const { version } = gvkOf(object);
  const isServed = ["v1", "v1beta1", "v1alpha1"].includes(version);
  return isServed ? decodeError(object, version) : { text: unregisteredText(version), path: ["apiVersion"] };
}

/** The synchronised objects that a template looks at, without compiling it: `reads` of its policies, for templates without constraints too. */
export function templateReads(object: Json): readonly Scope[] {
  const source = regoOf(object);
  return "problem" in source ? [] : regoReads(source.text);
}

type Path = readonly (string | number)[];

interface Failure {
  /** Gatekeeper's text. */
  readonly problem: string;
  readonly code?: string;
  readonly path?: Path;
  readonly span?: Span | null;
  readonly hint?: string;
  readonly undecodable?: boolean;
  /** Instead of one made of the problem. */
  readonly diagnostics?: readonly Diagnostic[];
}

function unregisteredText(version: string): string {
  const scheme = '"pkg/runtime/scheme.go:111"';
  return `no kind "ConstraintTemplate" is registered for version "${templateGroup}/${version}" in scheme ${scheme}`;
}

// ── shape

/** What an API server or Gatekeeper's webhook would not take, and gator takes without a word. */
function strictProblems(object: Json, locate: Locate | undefined): readonly Diagnostic[] {
  const wrong = shape.validate(shape.asStored(object), "").map((error) => {
    return errorAt("template-field", locate?.(error.path ?? []) ?? null, fieldErrorText(error));
  });
  const unknown = shape.unknownFields(object).map((field) => {
    const text = `strict decoding error: unknown field ${quote(field.text)}`;
    return errorAt("unknown-field", locate?.(field.path) ?? null, text);
  });
  return [...wrong, ...unknown, ...operationsProblem(object, locate), ...lengthProblem(object, locate)];
}

function lengthProblem(object: Json, locate: Locate | undefined): readonly Diagnostic[] {
  const { length } = nameOf(object);
  if (length <= 63) return [];
  const text = `resource cannot have metadata.name larger than 63 char; length: ${length}`;
  return [errorAt("template-field", locate?.(["metadata", "name"]) ?? null, text)];
}

const shape = templateShape();

function templateShape(): CompiledSchema {
  const compiled = compileSchema(templateSchema);
  if ("error" in compiled) throw new Error(compiled.error);
  return compiled.schema;
}

// ── names and targets

function namesProblem(object: Json, kind: string): Failure | null {
  const targets = listAt(object, "spec", "targets");
  const at = ["spec", "targets"];
  if (targets.length !== 1) return invalid("must declare exactly one target", at);
  const target = stringAt(targets[0], "target");
  if (target === "") return invalid("target name must not be empty", at);
  const name = nameOf(object);
  const names = ["spec", "crd", "spec", "names"];
  if (kind === "") return invalid(`ConstraintTemplate ${quote(name)} does not specify CRD Kind`, names);
  if (name.toLowerCase() !== kind.toLowerCase()) {
    const expected = `is not equal to the lowercase of CRD's Kind: ${quote(kind.toLowerCase())}`;
    return invalid(`the ConstraintTemplate's name ${quote(name)} ${expected}`, ["metadata", "name"]);
  }
  if (target !== targetName) {
    const text = `target ${quote(target)} not recognized, known targets [${targetName}]`;
    return invalid(text, [...at, 0, "target"]);
  }
  return null;
}

/** Gatekeeper's webhook refuses it: the other operations would have no effect. */
function operationsProblem(object: Json, locate: Locate | undefined): readonly Diagnostic[] {
  const operations = stringsAt(listAt(object, "spec", "targets")[0], "operations");
  if (!operations.includes("*") || operations.length === 1) return [];
  const span = locate?.(["spec", "targets", 0, "operations"]) ?? null;
  return [errorAt("template-field", span, "if '*' is present, must not specify other operations")];
}

function invalid(text: string, path: Path): Failure {
  return { problem: `invalid ConstraintTemplate: ${text}`, path };
}

// ── parameters

/** The schema of `spec.parameters`; null when the template describes none, so that a constraint may have none. */
function parametersOf(object: Json, version: string): JsonRecord | null {
  const validation = valueAt(object, "spec", "crd", "spec", "validation");
  const schema = asRecord(valueAt(validation, "openAPIV3Schema"));
  const legacy = valueAt(validation, "legacySchema") ?? version !== "v1";
  return legacy === true ? loosened(schema ?? {}) : schema;
}

// ── source

interface FoundRego {
  readonly text: TemplateRego;
  /** Where the entry module stands in the object, and the list of libraries. */
  readonly entryPath: Path;
  readonly libsPath: Path;
}

/** `rego:` counts before `code:`, and is always v0. Only Rego decides: a template with CEL too is decided by its Rego. */
function regoOf(object: Json): FoundRego | Failure {
  const base: Path = ["spec", "targets", 0];
  const target = listAt(object, "spec", "targets")[0];
  const legacy = stringAt(target, "rego");
  if (legacy !== "") {
    const text: TemplateRego = { rego: legacy, libs: stringsAt(target, "libs"), version: "v0" };
    return { text, entryPath: [...base, "rego"], libsPath: [...base, "libs"] };
  }
  const codes = listAt(target, "code");
  const at = codes.findIndex((code) => stringAt(code, "engine") === "Rego");
  if (at === -1) return noDriver(codes, base);
  const source = valueAt(codes[at], "source");
  const path: Path = [...base, "code", at, "source"];
  if (!isObject(source)) return { problem: "could not recognize the type", path };
  return sourceOf(source, path);
}

function sourceOf(source: JsonRecord, path: Path): FoundRego | Failure {
  const { rego, version, libs } = source;
  if (rego === undefined) return { problem: "rego source missing required field: rego", path };
  const wrong = (field: string, value: Json): Failure => ({
    problem: `${accessorError({ field: `.${field}`, value, numbers: "float64", expected: "string" })}: while extracting Rego ${field === "rego" ? "source" : field}`,
    path: [...path, field],
  });
  if (typeof rego !== "string") return wrong("rego", rego);
  if (version !== undefined && typeof version !== "string") return wrong("version", version);
  if (libs !== undefined && (!Array.isArray(libs) || libs.some((lib) => typeof lib !== "string"))) {
    return wrong("libs", libs);
  }
  const text: TemplateRego = { rego, libs: stringsAt(source, "libs"), version: version === "v1" ? "v1" : "v0" };
  return { text, entryPath: [...path, "rego"], libsPath: [...path, "libs"] };
}

function noDriver(codes: readonly Json[], base: Path): Failure {
  const problem =
    'no language driver is installed that handles this constraint template: available drivers: map[Rego:1], wanted ""';
  const cel = codes.some((code) => stringAt(code, "engine") === "K8sNativeValidation");
  const failure: Failure = { problem, path: [...base, "code"], code: "template-engine" };
  return cel
    ? { ...failure, hint: "its code is CEL (K8sNativeValidation), which is not built yet: add the same policy as Rego" }
    : failure;
}

// ── places

/** A diagnostic about the Rego text, pointing into the template's file. The message keeps OPA's own `template:3:`. */
function placed(diagnostic: Diagnostic, source: FoundRego, locate: Locate | undefined): Diagnostic {
  const { span } = diagnostic;
  if (span === null || locate === undefined) return diagnostic;
  const path = pathOf(span.source.name, source);
  if (path === null) return { ...diagnostic, span: locate(source.entryPath) };
  return { ...diagnostic, span: locate(path, { start: span.start, end: span.end }) };
}

/** The path of a module in the object; null for the hook, which is in no object. */
function pathOf(file: string, source: FoundRego): Path | null {
  if (file === "template") return source.entryPath;
  const library = /^libs\["lib_(\d+)"\]$/.exec(file)?.[1];
  return library === undefined ? null : [...source.libsPath, Number(library)];
}

function placesOf(source: FoundRego, locate: Locate | undefined): ReadyTemplate["placeOf"] {
  return (file, line, column) => {
    const path = pathOf(file, source);
    if (path === null || locate === undefined) return null;
    const last = path.at(-1);
    const text = typeof last === "number" ? (source.text.libs[last] ?? "") : source.text.rego;
    const start = offsetOf(text, line, column);
    return locate(path, { start, end: start });
  };
}

/** The offset of a 1-based line and column, which counts characters. */
function offsetOf(text: string, line: number, column: number): number {
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return (
    before +
    Array.from(lines[line - 1] ?? "")
      .slice(0, column - 1)
      .join("").length
  );
}

/** A problem of strictness as it counts where strictness is not asked for. */
export function asWarning(diagnostic: Diagnostic): Diagnostic {
  return warningAt(diagnostic.code, diagnostic.span, diagnostic.message, diagnostic.hint);
}
