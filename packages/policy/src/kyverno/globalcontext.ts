// GlobalContextEntry: data that all policies may ask for, a list of objects of one kind or the answer of an API call, with
// named projections of it. A policy asks for an entry by name; here that Need becomes the Need for the entry's own data, and
// the projection is computed of the answer, so that whoever fetches knows only objects and calls. Names that no entry has
// go on as they are. Kyverno: pkg/globalcontext, api/kyverno/v2beta1 GlobalContextEntrySpec.

import {
  type FieldError,
  aggregateText,
  forbidden,
  invalid,
  isObject,
  nameOf,
  required,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import { type Answer, type Diagnostic, type Need, type World, errorAt } from "@portcullis/lang";
import { parseDuration } from "@portcullis/lang/go";
import { canonicalJson } from "../engine/digest.ts";
import type { ReadFrom } from "../engine/frontend.ts";
import type { Evaluation, Json } from "../engine/request.ts";
import { failureOf } from "./failure.ts";
import { listOf } from "./match/filter.ts";
import { misfits } from "./policy/misfits.ts";
import { compiled, keyValues, service } from "./policy/schema.ts";
import { object as fields, oneOf, text } from "./policy/schemaparts.ts";
import { type Query, compileQuery } from "./query.ts";

export interface GlobalEntry {
  readonly unit: "globalContext";
  readonly name: string;
  /** What brings the entry's data: a list of objects, or what an API answers. */
  readonly need: Need;
  readonly isList: boolean;
  readonly projections: ReadonlyMap<string, Query>;
}

/** That there is one of the two sources is left to the check, whose text says what they are. */
const schema = compiled(
  fields(
    {
      metadata: { type: "object" },
      spec: fields({
        apiCall: fields({
          data: keyValues,
          method: oneOf("GET", "POST"),
          refreshInterval: { type: "string", format: "duration" },
          retryLimit: { type: "integer", minimum: 1 },
          service,
          urlPath: text,
        }),
        kubernetesResource: fields(
          { group: text, namespace: text, resource: text, version: text },
          { required: ["resource", "version"] },
        ),
        projections: {
          type: "array",
          items: fields({ jmesPath: text, name: text }, { required: ["jmesPath", "name"] }),
        },
      }),
      status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
    { required: ["spec"] },
  ),
);

/** Reads an entry; null when it has mistakes. */
export function readGlobalEntry(
  object: Json,
  from: ReadFrom,
): { readonly unit: GlobalEntry | null; readonly diagnostics: readonly Diagnostic[] } {
  const wrong = misfits(object, schema(), from);
  if (wrong.length > 0) return { unit: null, diagnostics: wrong };
  const errors = entryErrors(object);
  const message = aggregateText(errors);
  if (message !== null) {
    const place = from.locate?.(["spec"]) ?? null;
    return { unit: null, diagnostics: [errorAt("policy", place, message)] };
  }
  const spec = valueAt(object, "spec");
  const resource = valueAt(spec, "kubernetesResource");
  const projections = listOf(spec, "projections").map((one) => {
    return [stringAt(one, "name"), compileQuery(stringAt(one, "jmesPath"))] as const;
  });
  const unit: GlobalEntry = {
    unit: "globalContext",
    name: nameOf(object),
    need: isObject(resource) ? resourceNeed(resource) : callNeed(valueAt(spec, "apiCall")),
    isList: isObject(resource),
    projections: new Map(projections),
  };
  return { unit, diagnostics: [] };
}

/** The call of a Need of kind `kyverno.resources`; its answer is a list of objects, watched rather than fetched. */
interface ResourcesCall {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** "" is all of them. */
  readonly namespace: string;
}

function resourceNeed(tree: Json): Need {
  const call: ResourcesCall = {
    group: stringAt(tree, "group"),
    version: stringAt(tree, "version"),
    resource: stringAt(tree, "resource"),
    namespace: stringAt(tree, "namespace"),
  };
  return { kind: "kyverno.resources", key: canonicalJson(call), call };
}

const refreshInterval = "10m";
const retryLimit = 3;

/** An API call as context entries make it, with how long its answer holds and how often it is tried. */
function callNeed(tree: Json): Need {
  const retries = valueAt(tree, "retryLimit");
  const call = {
    method: stringAt(tree, "method") || "GET",
    urlPath: stringAt(tree, "urlPath"),
    service: valueAt(tree, "service") ?? null,
    data: listOf(tree, "data"),
    policyNamespace: "",
    refreshMs: refreshMs(tree),
    retryLimit: typeof retries === "number" ? retries : retryLimit,
  };
  return { kind: "kyverno.apiCall", key: canonicalJson(call), call };
}

function refreshMs(tree: Json): number {
  const duration = parseDuration(stringAt(tree, "refreshInterval") || refreshInterval);
  return typeof duration === "bigint" ? Number(duration / 1_000_000n) : 0;
}

// ── asking

export type GlobalEntries = ReadonlyMap<string, GlobalEntry>;

/** A world in which entries can be asked for by name. */
export function worldWithEntries(evaluation: Evaluation, entries: GlobalEntries): World {
  const { world } = evaluation;
  if (entries.size === 0) return world;
  return {
    nowMs: world.nowMs,
    host: world.host,
    random: (stream) => world.random(stream),
    ask: (needs) => {
      const answers = world.ask(needs.map((need) => entryOf(need, entries)?.need ?? need));
      return answers.map((answer, at) => {
        const need = needs[at];
        const entry = need === undefined ? null : entryOf(need, entries);
        return need === undefined || entry === null ? answer : answerOf(entry, need, answer, evaluation);
      });
    },
  };
}

function entryOf({ kind, call }: Need, entries: GlobalEntries): GlobalEntry | null {
  return kind === "kyverno.globalContext" ? (entries.get(stringAt(call, "name")) ?? null) : null;
}

function answerOf(entry: GlobalEntry, need: Need, answer: Answer, evaluation: Evaluation): Answer {
  if ("error" in answer) return answer;
  const projection = stringAt(need.call, "projection");
  const { value } = answer;
  if (projection === "") return value === null && !entry.isList ? { error: noData } : answer;
  const query = entry.projections.get(projection);
  if (query === undefined) return { error: entry.isList ? `projection "${projection}" not found` : noData };
  try {
    const projected = query.search(value, evaluation);
    return (projected ?? null) === null && !entry.isList ? { error: noData } : { value: projected };
  } catch (error) {
    const { message } = failureOf(error);
    return { error: entry.isList ? `projection "${projection}" not found` : message };
  }
}

const noData = "no data available";

// ── mistakes

function entryErrors(object: Json): readonly FieldError[] {
  const spec = valueAt(object, "spec");
  const resource = valueAt(spec, "kubernetesResource");
  const call = valueAt(spec, "apiCall");
  const errors: FieldError[] = [];
  if (isObject(resource) === isObject(call)) {
    const why = "A global context entry should either have KubernetesResource or APICall";
    errors.push(forbidden("spec.kubernetesResource", why));
  }
  if (isObject(resource)) errors.push(...resourceErrors(resource));
  if (isObject(call)) errors.push(...callErrors(call));
  for (const [at, projection] of listOf(spec, "projections").entries()) {
    errors.push(...projectionErrors(projection, `spec.projections[${at}]`, nameOf(object)));
  }
  return errors;
}

function resourceErrors(tree: Json): readonly FieldError[] {
  const has = (field: string): boolean => stringAt(tree, field) !== "";
  const lacks = (field: string): FieldError =>
    required(`spec.resource.${field}`, `A Resource entry requires a ${field}`);
  const isCore = !has("group") && stringAt(tree, "version") === "v1";
  return [
    ...(has("group") || isCore ? [] : [lacks("group")]),
    ...["version", "resource"].filter((field) => !has(field)).map(lacks),
  ];
}

function callErrors(tree: Json): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (refreshMs(tree) === 0) {
    const why = "A Resource entry requires a refresh interval greater than 0 seconds";
    errors.push(required("spec.apiCall.refreshIntervalSeconds", why));
  }
  if (isObject(valueAt(tree, "service")) === (stringAt(tree, "urlPath") !== "")) {
    errors.push(forbidden("spec.apiCall.service", "An External API call should either have Service or URLPath"));
  }
  if (Array.isArray(valueAt(tree, "data")) && stringAt(tree, "method") !== "POST") {
    errors.push(forbidden("spec.apiCall.method", "An External API call with data should have method as POST"));
  }
  return errors;
}

function projectionErrors(tree: Json, field: string, entry: string): readonly FieldError[] {
  const name = stringAt(tree, "name");
  const path = stringAt(tree, "jmesPath");
  const errors: FieldError[] = [];
  if (name === "") errors.push(required(`${field}.name`, "A projection entry requires a name"));
  if (name === entry) {
    const why = "A projection entry requires a name different from the global context entry name";
    errors.push(required(`${field}.name`, why));
  }
  if (path === "") errors.push(required(`${field}.jmesPath`, "A projection entry requires a JMESPath"));
  const { problem } = compileQuery(path);
  return problem === null ? errors : [...errors, invalid(`${field}.jmesPath`, path, problem)];
}
