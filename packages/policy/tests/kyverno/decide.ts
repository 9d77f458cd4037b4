// Sets of Kyverno policies made from texts, and requests to ask them about.

import { createHash } from "node:crypto";
import { builtinCatalog, gvkOf, isObject, nameOf, namespaceOf, parseYaml, stringAt, valueAt } from "@portcullis/kube";
import { type Answer, Budget, type Need, Source, type World, formatDiagnostic } from "@portcullis/lang";
import { worldNow } from "../../../portcullis/src/app/host.ts";
import { createEngine } from "../../src/engine/engine.ts";
import type { Profile } from "../../src/engine/frontend.ts";
import type { Decision } from "../../src/engine/outcome.ts";
import type { PolicySet } from "../../src/engine/policyset.ts";
import type { EvaluationRequest, Json, UserInfo } from "../../src/engine/request.ts";
import { kyvernoFrontend } from "../../src/kyverno/frontend.ts";
import type { ContextSource, KyvernoSettings } from "../../src/kyverno/settings.ts";

export function documents(text: string): readonly Json[] {
  const { value, diagnostics } = parseYaml(new Source("case.yaml", text), { dialect: "go" });
  if (diagnostics.length > 0) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  return value.map((document) => document.value).filter((document) => document !== null);
}

export type Answers = (need: Need) => Answer;

const nothing: Answers = (need) => ({ error: `${need.kind} ${need.key} is not there` });

const zones = worldNow(() => null).host.zone;

export function worldOf(answer: Answers = nothing): World {
  return {
    nowMs: 1_767_225_600_000,
    random: () => () => 0.5,
    host: {
      digest: (algorithm, bytes) => createHash(algorithm).update(bytes).digest(),
      hmac: () => new Uint8Array(),
      zone: zones,
    },
    ask: (needs) => needs.map(answer),
  };
}

export interface SetOptions {
  readonly profile?: Profile;
  readonly settings?: Partial<KyvernoSettings>;
}

/** A set of policies; throws when one of them is refused. */
export function policySet(
  objects: readonly Json[],
  { profile = "cluster", settings = {} }: SetOptions = {},
): PolicySet {
  const engine = createEngine({ frontends: [kyvernoFrontend({ settings })], catalog: builtinCatalog(), profile });
  const set = engine.policySet(objects.map((object) => ({ object, file: "case.yaml" })));
  const wrong = [...set.status.values()].flat().filter(({ severity }) => severity === "error");
  if (wrong.length > 0) throw new Error(wrong.map(formatDiagnostic).join("\n"));
  return set;
}

export function decide(set: PolicySet, request: EvaluationRequest, answer?: Answers): Decision {
  const world = worldOf(answer);
  const decision = set.evaluate(request, world, new Budget({}, () => performance.now()));
  if ("needs" in decision) throw new Error("the test's world answers at once");
  return decision;
}

/** An admission request of a user. */
export function admission(object: Json, more: Partial<EvaluationRequest> = {}): EvaluationRequest {
  const kind = gvkOf(object);
  return {
    point: "webhook",
    operation: "CREATE",
    kind,
    resource: builtinCatalog().resourceOf(kind)?.resource ?? null,
    subResource: "",
    requestKind: kind,
    requestResource: null,
    namespace: namespaceOf(object),
    name: nameOf(object),
    uid: "u",
    object,
    oldObject: null,
    options: null,
    user: { username: "jane", uid: "", groups: ["dev"], extra: {}, roles: [], clusterRoles: [] },
    dryRun: false,
    implied: null,
    ...more,
  };
}

// ── as the command line decides

/** Rows `rule result Kind namespace/name: message` of every object in a text, sorted. */
export function decideAll(text: string): readonly string[] {
  const all = documents(text);
  const isOurs = (object: Json): boolean => gvkOf(object).group.includes("kyverno");
  const values = all.find((object) => stringAt(object, "kind") === "Values");
  const user = all.find((object) => stringAt(object, "kind") === "UserInfo");
  const policies = all.filter((object) => gvkOf(object).group === "kyverno.io");
  const given = globalValues(values);
  const settings: Partial<KyvernoSettings> = {
    given: { forPolicy: () => given, forRule: () => ({}), leavesOut },
  };
  const set = policySet(policies, { profile: "kyverno-cli", settings });
  const operation = stringAt(given, "request.operation") || "CREATE";
  return all
    .filter((object) => !isOurs(object))
    .map(withNamespace)
    .flatMap((object) => rowsOf(decide(set, cliRequest(object, operation, user)), object))
    .toSorted();
}

const leavesOut: ReadonlySet<ContextSource> = new Set(["configMap", "apiCall", "imageRegistry", "globalReference"]);

function globalValues(values: Json): Readonly<Record<string, Json>> {
  const given = valueAt(values, "globalValues");
  return isObject(given) ? given : {};
}

function withNamespace(object: Json): Json {
  if (!isObject(object) || namespaceOf(object) !== "") return object;
  if (builtinCatalog().resourceOf(gvkOf(object))?.namespaced === false) return object;
  const metadata = isObject(object["metadata"]) ? object["metadata"] : {};
  return { ...object, metadata: { ...metadata, namespace: "default" } };
}

function cliRequest(object: Json, operation: string, user: Json): EvaluationRequest {
  const deletes = operation === "DELETE";
  return admission(object, {
    point: "cli",
    operation: operation as "CREATE",
    object: deletes ? null : object,
    oldObject: operation === "CREATE" ? null : object,
    user: userOf(user),
    dryRun: null,
  });
}

function userOf(tree: Json): UserInfo | null {
  if (tree === undefined) return null;
  const texts = (...path: readonly string[]): readonly string[] =>
    (valueAt(tree, ...path) as string[] | undefined) ?? [];
  return {
    username: stringAt(tree, "userInfo", "username"),
    uid: "",
    groups: texts("userInfo", "groups"),
    extra: {},
    roles: texts("roles"),
    clusterRoles: texts("clusterRoles"),
  };
}

function rowsOf({ outcomes }: Decision, object: Json): readonly string[] {
  const namespace = namespaceOf(object);
  const name = `${stringAt(object, "kind")} ${namespace === "" ? "" : `${namespace}/`}${nameOf(object)}`;
  return outcomes.map(({ rule, result, message }) => {
    return `${rule} ${result} ${name}: ${JSON.stringify(message).slice(1, -1)}`;
  });
}
