// Gatekeeper's statuses: under `byPod`, an entry per replica, which says what that replica made of the object. Gatekeeper
// keeps an object per pod and policy and joins them; here each replica writes its own entry into the policy, guarded by
// the resourceVersion, and leaves the others' alone. Entries stand in the order of their ids, as in Gatekeeper.
// Gatekeeper: apis/status, pkg/controller/{constrainttemplate,constraint}{,status}.

import { isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Found } from "../../app/compose.ts";
import type { StatusForm } from "./kinds.ts";

type Tree = Readonly<Record<string, unknown>>;
type PodForm = Extract<StatusForm, { form: "pods" }>;

export interface PodReport {
  /** The replica's name. */
  readonly id: string;
  readonly form: PodForm;
  readonly isTemplate: boolean;
  readonly uid: string;
  readonly generation: number;
  /** Errors only. */
  readonly found: readonly Found[];
}

/** What a replica of ours does of what Gatekeeper has pods for; it generates no ValidatingAdmissionPolicies. */
const operations = ["audit", "mutation-controller", "mutation-status", "mutation-webhook", "status", "webhook"];

export function podEntry({ id, form, isTemplate, uid, generation, found }: PodReport): Tree {
  const { says } = form;
  return {
    id,
    [form.uid]: uid,
    operations,
    observedGeneration: generation,
    ...(says !== "" && found.length === 0 && { [says]: true }),
    ...(found.length > 0 && {
      errors: found.map((one) => (isTemplate ? templateError(one) : errorOf(form, one))),
    }),
  };
}

function templateError({ code, message, location }: Found): Tree {
  if (!code.startsWith("rego_")) return { code: "create_error", message };
  const text = `Could not ingest Rego: ${location === "" ? "" : `${location}: `}${code}: ${message}`;
  return { code: "ingest_error", message: text, ...(location !== "" && { location }) };
}

function errorOf({ errors }: PodForm, { code, message, location }: Found): Tree {
  const type = errors === "type" ? { type: typeOf(code) } : { code };
  return { ...type, message, ...(errors === "code" && location !== "" && { location }) };
}

/** Gatekeeper: pkg/mutation/schema/errors.go ErrConflictingSchemaType. */
function typeOf(code: string): string {
  return code === "mutator-conflict" ? "ErrConflictingSchema" : code;
}

export interface Joining {
  readonly status: unknown;
  readonly entry: Tree;
  readonly form: PodForm;
  readonly isTemplate: boolean;
  /** Replicas whose entries are to go. */
  readonly gone: ReadonlySet<string>;
}

/** The part of a status that belongs to all replicas together: `byPod`, and `created` of a template. */
export function joinedPods({ status, entry, form, isTemplate, gone }: Joining): Tree {
  const uid = entry[form.uid];
  const others = entriesOf(status).filter((other) => {
    const id = stringAt(other, "id");
    return id !== entry["id"] && !gone.has(id) && other[form.uid] === uid;
  });
  const byPod = [...others, entry].toSorted((a, b) => (stringAt(a, "id") < stringAt(b, "id") ? -1 : 1));
  return { byPod, ...(isTemplate && { created: byPod.some((one) => !("errors" in one)) }) };
}

/** The same part as it is now. */
export function currentPods(status: unknown, isTemplate: boolean): Tree {
  return {
    byPod: entriesOf(status),
    ...(isTemplate && { created: valueAt(status, "created") ?? null }),
  };
}

export function entriesOf(status: unknown): readonly Tree[] {
  const value = valueAt(status, "byPod");
  return Array.isArray(value) ? (value as readonly unknown[]).filter((one) => isObject(one)) : [];
}
