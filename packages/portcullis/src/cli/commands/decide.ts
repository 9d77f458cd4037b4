// What `test`, `lint` and `explain` share: objects from files are parted into policies and what they decide about, a
// PolicySet is made of the policies, and requests of the rest. A request is the one that an API server would send when
// the object is created, so that the answer is the cluster's; an AdmissionReview in a file is asked as it stands.

import { builtinCatalog, gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import { type Answer, Budget } from "@portcullis/lang";
import {
  type Decision,
  type EvaluationRequest,
  type Operation,
  type PolicyFrontend,
  type PolicySet,
  externalDataKind,
  isExternalDataAnswers,
  ownerOf,
} from "@portcullis/policy";
import { answerNeeds, assembleEngine } from "../../app/assemble.ts";
import { clockMs } from "../../app/clock.ts";
import { externalDataFetchers } from "../../app/externaldata.ts";
import { createFetching, fetchDeadlineMs } from "../../app/fetch.ts";
import { needKey, worldNow, worldWith } from "../../app/host.ts";
import { answerOrFetch } from "../../app/needs.ts";
import { ReviewError, readReview } from "../../server/review.ts";
import type { LoadedObject } from "../load/files.ts";
import { type Finding, type FindingObject, type Place, diagnosticFinding } from "../output/finding.ts";
import { UsageError } from "../usage.ts";
import { strangeKind, strangerFindings } from "./strangers.ts";

export interface Parted {
  readonly set: PolicySet;
  readonly policies: readonly LoadedObject[];
  readonly objects: readonly LoadedObject[];
  /** What was meant as a policy and is none. */
  readonly strangers: readonly LoadedObject[];
  /** What providers of external data would answer. */
  readonly answers: readonly unknown[];
  readonly frontends: readonly PolicyFrontend[];
}

const catalog = builtinCatalog();

/** How long one object may take; a policy that needs more is reported by name. */
const decisionMs = 10_000;

/** With `peerAnswers`, Kyverno's policies answer as Kyverno does where we would not. */
export function partObjects(all: readonly LoadedObject[], { peerAnswers = false } = {}): Parted {
  const { engine, frontends } = assembleEngine("cluster", undefined, { kyverno: { settings: { peerAnswers } } });
  const strangers = all.filter(({ object }) => strangeKind(object) !== null);
  const loaded = strangers.length === 0 ? all : all.filter((one) => !strangers.includes(one));
  const policies = loaded.filter(({ object }) => ownerOf(frontends, object) !== undefined);
  // A ConfigMap that configures policies is an object too.
  const others = loaded.filter(({ object }) => !frontends.some((frontend) => frontend.owns(gvkOf(object))));
  const objects = others.filter(({ object }) => !isExternalDataAnswers(object));
  const answers = others.filter(({ object }) => isExternalDataAnswers(object)).map(({ object }) => object);
  const sources = policies.map(({ object, file, locate }) => ({ object, file, locate }));
  return { set: engine.policySet(sources), policies, objects, strangers, answers, frontends };
}

/**
 * A run that decides nothing must not look like one that finds nothing, where policies are broken that is said instead; and
 * what nobody can decide about is told before anything is decided, all of it. Throws UsageError.
 */
export function expectDecidable(parted: Parted): void {
  const { policies, objects, strangers } = parted;
  if (policies.length + strangers.length === 0)
    throw new UsageError("no policy: give files or folders with policies and objects");
  const strange = objects.filter(({ object }) => !isObjectOfKind(object));
  if (strange.length > 0) throw new UsageError(strange.map(noKindText).join("\n"));
  if (objects.length > 0 || policyFindings(parted).some(({ level }) => level === "error")) return;
  throw new UsageError(
    "no object to decide about: give files or folders with objects, or `-` for standard input (`portcullis lint` looks at policies alone)",
  );
}

/**
 * Decides about one object with everything loaded as the cluster around it: mutated first and then validated, as an API
 * server does it.
 */
export function createDecider({ set, objects, answers }: Parted): (request: EvaluationRequest) => Decision {
  const answer = answerNeeds([...withDefaultNamespace(objects.map(({ object }) => object)), ...answers]);
  return (request) => {
    const decision = set.evaluate(
      request,
      worldNow(answer),
      new Budget({ deadlineMs: clockMs() + decisionMs }, clockMs),
    );
    if ("allowed" in decision) return decision;
    throw new UsageError(`data that policies need are not there: ${decision.needs.map((need) => need.key).join(", ")}`);
  };
}

/** As `createDecider`, and asks the providers of external data that no written answers stand for. */
export function createAskingDecider({
  set,
  objects,
  answers,
}: Parted): (request: EvaluationRequest) => Promise<Decision> {
  const fetching = createFetching({ fetchers: externalDataFetchers() });
  const context = [...withDefaultNamespace(objects.map(({ object }) => object)), ...answers];
  const answer = answerOrFetch(context, new Set([externalDataKind]));
  return async (request) => {
    const deadlineMs = clockMs() + decisionMs;
    const world = worldNow(answer);
    const fetched = new Map<string, Answer>();
    let said = set.evaluate(request, world, new Budget({ deadlineMs }, clockMs));
    while ("needs" in said) {
      const { needs } = said;
      // oxlint-disable-next-line no-await-in-loop -- it asks for what it needs one after the other
      const got = await fetching.fetch(needs, fetchDeadlineMs(deadlineMs));
      needs.forEach((need, at) => fetched.set(needKey(need), got[at] ?? { error: "nothing was fetched" }));
      said = said.resume(worldWith(world, fetched, answer));
    }
    return said;
  };
}

/** Every cluster has the namespace `default`. */
export function withDefaultNamespace(objects: readonly unknown[]): readonly unknown[] {
  const isThere = objects.some((object) => gvkOf(object).kind === "Namespace" && nameOf(object) === "default");
  if (isThere) return objects;
  const labels = { "kubernetes.io/metadata.name": "default" };
  return [...objects, { apiVersion: "v1", kind: "Namespace", metadata: { name: "default", labels } }];
}

/** The request that creates an object, or the request in an AdmissionReview. Throws UsageError with the place. */
export function requestOf({ object, file, locate }: LoadedObject, operation: Operation = "CREATE"): EvaluationRequest {
  if (gvkOf(object).kind === "AdmissionReview") return admissionRequest(object, placeText(file, locate));
  if (!isObjectOfKind(object)) throw new UsageError(noKindText({ file, locate }));
  const kind = gvkOf(object);
  const known = catalog.resourceOf(kind);
  const isNamespaced = known?.namespaced ?? namespaceOf(object) !== "";
  const resource = known?.resource ?? {
    group: kind.group,
    version: kind.version,
    resource: `${kind.kind.toLowerCase()}s`,
  };
  return {
    point: "webhook",
    operation,
    kind,
    resource,
    subResource: "",
    requestKind: kind,
    requestResource: resource,
    namespace: isNamespaced ? namespaceOf(object) || "default" : "",
    name: nameOf(object),
    uid: "",
    object: operation === "DELETE" ? null : object,
    oldObject: operation === "CREATE" ? null : object,
    options: null,
    user: null,
    dryRun: false,
    implied: null,
  };
}

function isObjectOfKind(object: unknown): boolean {
  const { version, kind } = gvkOf(object);
  return kind !== "" && version !== "";
}

function noKindText({ file, locate }: Pick<LoadedObject, "file" | "locate">): string {
  return `${placeText(file, locate)}: expected a Kubernetes object with apiVersion and kind`;
}

function admissionRequest(review: unknown, place: string): EvaluationRequest {
  try {
    const { request } = readReview(review);
    if (request.object === null && request.oldObject === null)
      throw new ReviewError("the request has neither object nor oldObject");
    return request;
  } catch (error) {
    if (error instanceof ReviewError) throw new UsageError(`${place}: ${error.message}`);
    throw error;
  }
}

function placeText(file: string, locate: LoadedObject["locate"]): string {
  const { line, column } = placeOf({ file, locate });
  return `${file}:${line}:${column}`;
}

/** Where an object stands. */
export function placeOf({ file, locate }: Pick<LoadedObject, "file" | "locate">): Place {
  const span = locate([]);
  return span === null ? { file, line: 1, column: 1 } : { file, ...span.source.position(span.start) };
}

export function describeObject(object: unknown): FindingObject {
  const { group, version, kind } = gvkOf(object);
  return {
    apiVersion: group === "" ? version : `${group}/${version}`,
    kind,
    namespace: namespaceOf(object),
    name: nameOf(object),
  };
}

/** What is wrong with the policies themselves. */
export function policyFindings({ set, strangers }: Pick<Parted, "set" | "strangers">): readonly Finding[] {
  return [
    ...strangerFindings(strangers),
    ...[...set.status.values()].flat().map((diagnostic) => diagnosticFinding(diagnostic)),
  ];
}
