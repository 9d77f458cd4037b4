// What `kyverno apply` loads and runs. Policies that Kyverno's admission refuses are counted as errors and named; a file
// that cannot be loaded as policies is left out. The caller prints.
// Kyverno: cmd/cli/kubectl-kyverno/commands/apply/command.go.

import { type Labels, gvkOf, nameOf, stringAt, valueAt } from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import type { Evaluation, Json } from "../../engine/request.ts";
import { failureOf } from "../failure.ts";
import { compileQuery } from "../query.ts";
import { cleanupResponses } from "./cleanup.ts";
import { answerFrom } from "./cluster.ts";
import { type Files, type LoadedPolicies, loadPolicies, loadText } from "./load.ts";
import { loadObjects } from "./load-objects.ts";
import { readObjects } from "./objects.ts";
import { type ResultCounts, countResponse, noResults } from "./outcome.ts";
import type { CliPolicy, CliUser, EvaluateCliPolicy, ReadCliPolicy } from "./port.ts";
import { type PolicyResponse, type RunOptions, runPolicies } from "./run.ts";
import { listAt } from "./testfile.ts";
import { loadValues, prefixed, readExceptions, readUser } from "./testrun.ts";
import { readVariables } from "./values.ts";

export interface ApplyOptions {
  readonly files: Files;
  readonly read: ReadCliPolicy;
  readonly evaluate: EvaluateCliPolicy;
  readonly evaluation: (answer: (need: Need) => Answer) => () => Evaluation;
  readonly print: (text: string) => void;
  /** What Kyverno does not say: why a file was left out. */
  readonly warn: (text: string) => void;
  readonly stdin: () => string;
}

export interface ApplyInput {
  readonly policies: readonly string[];
  readonly resources: readonly string[];
  readonly targets: readonly string[];
  readonly valuesFile: string;
  /** Null when the flag was not given. */
  readonly set: readonly string[] | null;
  readonly userInfo: string;
  readonly exceptions: readonly string[];
  readonly exceptionsIn: ReadonlySet<"resources" | "policies">;
  readonly auditWarn: boolean;
  readonly warningsAsErrors: boolean;
  readonly continueOnFail: boolean;
  /** What a cluster gives in the place of files; absent or null without one. */
  readonly cluster?: ApplyCluster | null;
}

/** The objects of a cluster that policies are applied to, and its answers to what policies ask for. */
export interface ApplyCluster {
  readonly objects: readonly Json[];
  readonly answer: (need: Need) => Answer;
  readonly namespaceLabels: (namespace: string) => Labels;
}

export interface Applying {
  readonly policies: readonly CliPolicy[];
  readonly loaded: LoadedPolicies;
  readonly objects: readonly Json[];
  readonly exceptions: readonly Json[];
  readonly counts: ResultCounts;
  /** Runs every policy over every object, in the order of both. */
  responses(): Generator<PolicyResponse>;
}

/** Loads everything. Throws an Error with Kyverno's text. */
export function prepareApply(input: ApplyInput, options: ApplyOptions): Applying {
  const { files, print } = options;
  const user = input.userInfo === "" ? null : loadUser(input.userInfo, files);
  const variables = prefixed("failed to decode yaml", () =>
    readVariables(input.valuesFile === "" ? null : loadValues(input.valuesFile, files, print), input.set ?? []),
  );
  checkOperation(variables.globalOperation);
  const loaded = loadEach(input.policies, options);
  const warnings = loaded.warnings.map(({ path, text }) => `Warning: ${path}: ${text}`);
  for (const warning of warnings) print(warning);
  refuseWarnings(warnings.length, input);
  const targets = objectsAt(input.targets, options);
  const { cluster = null } = input;
  const all = cluster === null ? objectsAt(input.resources, options) : cluster.objects;
  const entries = all.filter(isGlobalEntry);
  const objects = all.filter((object) => !isGlobalEntry(object));
  const exceptions = exceptionsFor(input, loaded, { objects, options, before: warnings.length });
  const counts = noResults();
  counts.error = loaded.policies.filter(({ problem }) => problem !== null).length;
  const known = [...objects, ...targets];
  const evaluationOf = options.evaluation(() => ({ error: "there is nothing to ask yet" }));
  const globals = new Map(entries.map((entry) => [nameOf(entry), globalEntry(entry, known, evaluationOf())]));
  const run: RunOptions = {
    evaluate: options.evaluate,
    policies: loaded.policies,
    variables,
    operation: "",
    user,
    exceptions,
    available: new Set([
      "apiCall" as const,
      ...(cluster === null ? [] : (["configMap"] as const)),
      ...(globals.size > 0 ? (["globalReference"] as const) : []),
    ]),
    clusterLabels: cluster === null ? null : cluster.namespaceLabels,
    evaluation: options.evaluation(
      cluster === null ? answerFrom({ objects: known, calls: new Map(), entries: globals }) : cluster.answer,
    ),
  };
  const responses = function* (): Generator<PolicyResponse> {
    yield* respond(objects, run, counts, input);
    const { evaluation } = run;
    const labels = (namespace: string) => variables.namespaceLabels(namespace) ?? {};
    for (const response of cleanupResponses(loaded.cleanups, objects, { evaluation, namespaceLabels: labels })) {
      countResponse(counts, response, input.auditWarn);
      yield response;
    }
  };
  return { policies: loaded.policies, loaded, objects, exceptions, counts, responses };
}

function* respond(
  objects: readonly Json[],
  run: RunOptions,
  counts: ResultCounts,
  { auditWarn, continueOnFail }: ApplyInput,
): Generator<PolicyResponse> {
  for (const object of objects) {
    let responses: readonly PolicyResponse[];
    try {
      responses = runPolicies(object, run);
    } catch (error) {
      if (continueOnFail) continue;
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`failed to apply policies on resource ${nameOf(object)} (${message})`, { cause: error });
    }
    for (const response of responses) {
      countResponse(counts, response, auditWarn);
      yield response;
    }
  }
}

// ── loading

function loadUser(path: string, files: Files): CliUser {
  return prefixed("failed to load request info", () => readUser(path, files).user);
}

function checkOperation(operation: string): void {
  if (["", "CREATE", "UPDATE", "DELETE", "CONNECT"].includes(operation)) return;
  throw new Error(
    `invalid request.operation value ${JSON.stringify(operation)}, must be one of CREATE, UPDATE, DELETE, CONNECT`,
  );
}

/** Each path on its own: one that cannot be loaded is left out. */
function loadEach(paths: readonly string[], { files, read, warn, stdin }: ApplyOptions): LoadedPolicies {
  const all = { policies: [], exceptions: [], cleanups: [], unsupported: [], warnings: [], errors: [] };
  const parts = paths.flatMap((path): readonly LoadedPolicies[] => {
    try {
      if (path !== "-") return [loadPolicies([path], files, read)];
      const loading = { policies: [], exceptions: [], cleanups: [], unsupported: [], warnings: [], errors: [] };
      loadText("-", stdin(), read, loading);
      return [loading];
    } catch (error) {
      warn(`${path} is left out: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
  for (const { errors } of parts) for (const { path, text, place } of errors) warn(place ?? `${path}: ${text}`);
  return parts.reduce<LoadedPolicies>(joined, all);
}

function joined(a: LoadedPolicies, b: LoadedPolicies): LoadedPolicies {
  return {
    policies: [...a.policies, ...b.policies],
    exceptions: [...a.exceptions, ...b.exceptions],
    cleanups: [...a.cleanups, ...b.cleanups],
    unsupported: [...a.unsupported, ...b.unsupported],
    warnings: [...a.warnings, ...b.warnings],
    errors: [...a.errors, ...b.errors],
  };
}

function objectsAt(paths: readonly string[], { files, print, stdin }: ApplyOptions): readonly Json[] {
  return prefixed("failed to load resources", () => {
    if (paths[0] === "-") return readObjects("-", stdin()).map(({ object }) => object);
    const { objects, remarks } = loadObjects(paths, files);
    for (const remark of remarks) print(remark.replace(/\n$/, ""));
    return objects;
  });
}

function exceptionsFor(
  input: ApplyInput,
  loaded: LoadedPolicies,
  {
    objects,
    options,
    before,
  }: { readonly objects: readonly Json[]; readonly options: ApplyOptions; readonly before: number },
): readonly Json[] {
  const withPolicies = input.exceptionsIn.has("policies") ? loaded.exceptions : [];
  if (input.exceptionsIn.has("resources")) return [...objects.filter(isException), ...withPolicies];
  let found;
  try {
    found = readExceptions(input.exceptions, options.files);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`Error: failed to load exceptions (${message})`, { cause: error });
  }
  for (const { path, text } of found.warnings) options.print(`Warning: ${path}: ${text}`);
  refuseWarnings(before + found.warnings.length, input);
  return [...found.exceptions, ...withPolicies];
}

function refuseWarnings(count: number, { warningsAsErrors }: ApplyInput): void {
  if (!warningsAsErrors || count === 0) return;
  throw new Error(`found ${count} deprecation warning(s) and --warnings-as-errors is set`);
}

function isException(object: Json): boolean {
  const { group, version, kind } = gvkOf(object);
  return group === "kyverno.io" && (version === "v2" || version === "v2beta1") && kind === "PolicyException";
}

// ── global context entries among the objects

function isGlobalEntry(object: Json): boolean {
  const { group, version, kind } = gvkOf(object);
  return group === "kyverno.io" && version === "v2" && kind === "GlobalContextEntry";
}

/** The objects that an entry speaks of, or its projections of them. */
function globalEntry(entry: Json, objects: readonly Json[], evaluation: Evaluation): Answer {
  const wanted = valueAt(entry, "spec", "kubernetesResource");
  if (wanted === undefined) return { error: `failed to fetch entry key=${nameOf(entry)}` };
  const [group, version, resource] = ["group", "version", "resource"].map((field) => stringAt(wanted, field));
  const namespace = stringAt(wanted, "namespace");
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const path = `${root}/${namespace === "" ? "" : `namespaces/${namespace}/`}${resource}`;
  const call = { method: "GET", urlPath: path };
  const list = answerFrom({ objects, calls: new Map(), entries: new Map() })({
    kind: "kyverno.apiCall",
    key: path,
    call,
  });
  if ("error" in list) return list;
  const items = listAt(list.value, "items");
  const projections = listAt(entry, "spec", "projections");
  if (projections.length === 0) return { value: items };
  try {
    return {
      value: Object.fromEntries(projections.map((one) => [stringAt(one, "name"), project(one, items, evaluation)])),
    };
  } catch (error) {
    return { error: failureOf(error).message };
  }
}

function project(projection: Json, items: readonly Json[], evaluation: Evaluation): Json {
  return compileQuery(stringAt(projection, "jmesPath")).search(items, evaluation);
}
