// Kyverno's Events about what a scan found: for each rule that failed one about the object and one about the policy, for
// each exception that was used one about it and one about the policy; successes only where they are wished for.
// Kyverno: pkg/event, pkg/controllers/report/utils/events.go.

import { hostname } from "node:os";
import { apiVersionOf } from "@portcullis/kube";
import type { ClusterObject } from "../../cluster/api.ts";
import type { ObjectResults } from "../audit/auditor.ts";
import type { PolicyObject } from "../audit/policies.ts";
import type { Result } from "../audit/results.ts";
import type { KyvernoFound } from "../../server/metrics.ts";
import { eventName } from "./gatekeeper.ts";
import type { OutgoingEvent } from "./recorder.ts";

type KyvernoReason = "PolicyViolation" | "PolicyApplied" | "PolicyError" | "PolicySkipped";

export interface KyvernoEventSettings {
  /** Reasons that are never told. Kyverno: --omitEvents. */
  readonly omit: ReadonlySet<string>;
  /** Kyverno's ConfigMap: generateSuccessEvents. */
  readonly successes: boolean;
}

interface Reference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
}

interface Told {
  readonly regarding: Reference;
  readonly related?: Reference;
  readonly reason: KyvernoReason;
  readonly action: string;
  readonly note: string;
}

/** The Events about the results of one policy for one object. */
export function scanEvents(
  object: ObjectResults,
  policy: PolicyObject,
  results: readonly Result[],
  settings: KyvernoEventSettings,
): readonly Told[] {
  const told = [
    ...results.filter(isFailed).flatMap((result) => failure(object, policy, result)),
    ...results.filter(({ exceptions }) => exceptions.length > 0).flatMap((result) => skip(object, policy, result)),
    ...(settings.successes && !results.some(isFailed) ? [success(object, policy)] : []),
  ];
  return told.filter(({ reason, regarding }) => regarding.name !== "" && !settings.omit.has(reason));
}

/** What rules said against a request; where it was denied, there is no object that could be told of it. */
export function admissionTold({ subject, blocked, rules, applied }: KyvernoFound): readonly Told[] {
  const successes = applied.map(({ policy, mutates }) => success(subject, { ...policy, id: policy }, mutates));
  const others = rules.flatMap((rule) => {
    const policy = { ...rule.policy, id: rule.policy };
    if (rule.exceptions.length > 0) return blocked ? [] : skip(subject, policy, rule);
    const [ofObject, ofPolicy] = failure(subject, policy, rule);
    if (!blocked) return [ofPolicy, ofObject];
    const note = ofPolicy.note.replace(`: [${rule.rule}] ${rule.result}`, `: [${rule.rule}] ${rule.result} (blocked)`);
    return [{ ...ofPolicy, action: "Resource Blocked", note }];
  });
  return [...others, ...successes];
}

/** The object that an Event is about. */
type About = Pick<ObjectResults, "group" | "version" | "kind" | "namespace" | "name" | "uid">;

type AboutPolicy = Pick<PolicyObject, "group" | "version" | "uid"> & {
  readonly id: Pick<PolicyObject["id"], "kind" | "namespace" | "name">;
};

type Said = Pick<Result, "rule" | "result" | "message" | "exceptions">;

function isFailed({ result }: Result): boolean {
  return result !== "pass" && result !== "skip";
}

function failure(object: About, policy: AboutPolicy, { rule, result, message }: Said): readonly [Told, Told] {
  const base = { reason: "PolicyViolation", action: "Resource Passed" } as const;
  const said = message === "" ? "" : `; ${message}`;
  const about = rule === "" ? result : `[${rule}] ${result}`;
  return [
    { ...base, regarding: referenceTo(object), note: `policy ${policy.id.name}/${rule} ${result}: ${message}` },
    {
      ...base,
      regarding: referenceToPolicy(policy),
      related: referenceTo(object),
      note: `${named(object)}: ${about}${said}`,
    },
  ];
}

function skip(object: About, policy: AboutPolicy, { rule, exceptions }: Said): readonly Told[] {
  const base = { reason: "PolicySkipped", action: "Resource Passed", related: referenceTo(object) } as const;
  const key = [object.kind, object.namespace, object.name].filter((part) => part !== "").join("/");
  const { namespace, name } = policy.id;
  const ruleName = [namespace, name, rule].filter((part) => part !== "").join("/");
  const aboutExceptions = exceptions.map((exception): Told => {
    const slash = exception.indexOf("/");
    const regarding = {
      apiVersion: "kyverno.io/v2",
      kind: "PolicyException",
      namespace: exception.slice(0, slash),
      name: exception.slice(slash + 1),
    };
    return { ...base, regarding, note: `resource ${key} was skipped from policy rule ${ruleName}` };
  });
  const note = `resource ${key} was skipped from rule ${rule} due to policy exceptions ${exceptions.join(", ")}`;
  return [...aboutExceptions, { ...base, regarding: referenceToPolicy(policy), note }];
}

function success(object: About, policy: AboutPolicy, mutates = false): Told {
  return {
    regarding: referenceToPolicy(policy),
    related: referenceTo(object),
    reason: "PolicyApplied",
    action: mutates ? "Resource Mutated" : "Resource Passed",
    note: mutates ? `${named(object)} is successfully mutated` : `${named(object)}: pass`,
  };
}

function named({ kind, namespace, name }: About): string {
  return `${kind} ${namespace === "" ? name : `${namespace}/${name}`}`;
}

function referenceTo({ group, version, kind, namespace, name, uid }: About): Reference {
  return { apiVersion: apiVersionOf({ group, version }), kind, ...(namespace === "" ? {} : { namespace }), name, uid };
}

function referenceToPolicy({ id, group, version, uid }: AboutPolicy): Reference {
  const { kind, namespace, name } = id;
  return { apiVersion: apiVersionOf({ group, version }), kind, ...(namespace === "" ? {} : { namespace }), name, uid };
}

const noteBytesMax = 1024;

/** Kyverno cuts through characters; here a broken one is left out. */
function cutNote(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= noteBytesMax) return note;
  let end = noteBytesMax - 3;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.toString("utf8", 0, end)}...`;
}

/** As it is sent. */
export function kyvernoEvent(told: Told, component: string, epochMs: number): OutgoingEvent {
  const { regarding, related, reason, action, note } = told;
  const cut = cutNote(note);
  const event: ClusterObject = {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: eventName(regarding.name, epochMs), namespace: regarding.namespace ?? "default" },
    eventTime: `${new Date(epochMs).toISOString().slice(0, 23)}000Z`,
    reportingController: component,
    reportingInstance: `${component}-${hostname()}`,
    action,
    reason,
    regarding,
    ...(related === undefined ? {} : { related }),
    note: cut,
    type: reason === "PolicyApplied" || reason === "PolicySkipped" ? "Normal" : "Warning",
  };
  const resource = { group: "events.k8s.io", version: "v1", resource: "events" };
  const { apiVersion, kind, namespace = "", name, uid = "" } = regarding;
  // An object of the same name is another one.
  return { resource, event, key: [component, reason, action, apiVersion, kind, namespace, name, uid, cut].join("\n") };
}
