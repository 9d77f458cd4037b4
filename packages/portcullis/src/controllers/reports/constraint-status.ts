// What Gatekeeper's users read in a constraint's status: when it was audited, how many violations there are, and the first
// of them. Of all violations the smallest by group, version, kind, namespace, name, message and action are kept, up to the
// limit, and stand there from the largest to the smallest, as Gatekeeper's heap gives them. Messages are cut at 256 bytes.
// Gatekeeper: pkg/audit/manager.go.
//
// A status is written when what it says changes, and only these fields of it: `byPod` belongs to others. Of several replicas
// each finds a part; the smallest of all are among the smallest of each.

import { type GroupVersionResource, byCodePoints, stringAt, valueAt } from "@portcullis/kube";
import { ApiError, type ClusterClient } from "../../cluster/api.ts";
import type { AuditedObject, JudgedObject } from "../audit/auditor.ts";
import { retryOnConflict } from "../../cluster/retry.ts";
import { type PolicyObject, keyOfPolicy } from "../audit/policies.ts";
import type { Result } from "../audit/results.ts";

/** One violation as it stands in a status; the fields in the order of Gatekeeper's struct. */
export interface StatusViolation {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly message: string;
  readonly enforcementAction: string;
  readonly enforcementActions?: readonly string[];
}

export interface ConstraintResults {
  readonly total: number;
  /** Violations by enforcement action; their sum is `total`. */
  readonly actions: Readonly<Record<string, number>>;
  readonly violations: readonly StatusViolation[];
  /** Objects that it could not decide about, because it looks at who asks. */
  readonly notAuditable: number;
}

/** Gatekeeper counts violations, and errors as such. */
export function isViolation({ policy, result }: Result): boolean {
  return policy.dialect === "gatekeeper" && policy.name !== "" && result !== "skip" && result !== "pass";
}

const messageBytesMax = 256;

/**
 * Cut to 253 bytes and `...`. Gatekeeper cuts through characters, and Go writes each byte of what is left of one as
 * U+FFFD.
 */
export function cutMessage(message: string): string {
  if (message.length * 3 <= messageBytesMax) return message;
  const bytes = Buffer.from(message);
  if (bytes.length <= messageBytesMax) return message;
  const cut = messageBytesMax - 3;
  let end = cut;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString("utf8")}${"\uFFFD".repeat(cut - end)}...`;
}

function statusViolation(object: AuditedObject, { message, actionName, scoped }: Result): StatusViolation {
  const { group, version, kind, namespace, name } = object;
  return {
    group,
    version,
    kind,
    name,
    ...(namespace === "" ? {} : { namespace }),
    message: cutMessage(message),
    enforcementAction: actionName,
    ...(scoped.length === 0 ? {} : { enforcementActions: scoped }),
  };
}

/**
 * The results of each of these constraints (`keyOfPolicy`), those without any included. Objects that have the same heads are
 * counted alike, and only the results of the first objects are looked at, which have the first violations.
 */
export function constraintResults(
  objects: Iterable<JudgedObject>,
  constraints: ReadonlySet<string>,
  limit: number,
): ReadonlyMap<string, ConstraintResults> {
  const gathered = new Map([...constraints].map((key) => [key, newGathered()]));
  const smallest = new Map([...constraints].map((key) => [key, new Array<JudgedObject>()]));
  const counts = new Map<readonly Result[], Counts>();
  for (const object of objects) {
    const { heads } = object;
    const known = counts.get(heads) ?? countsOf(heads, constraints);
    counts.set(heads, known);
    for (const [key, { actions, total, notAuditable }] of known) {
      const of = gathered.get(key) as Gathered;
      of.notAuditable += notAuditable;
      of.total += total;
      for (const [action, count] of Object.entries(actions)) of.actions[action] = (of.actions[action] ?? 0) + count;
      if (total > 0) insert(smallest.get(key) as JudgedObject[], object, { limit, compare: compareObjects });
    }
  }
  for (const [key, few] of smallest) {
    const { violations } = gathered.get(key) as Gathered;
    for (const object of few) {
      const own = object.results.filter((result) => isViolation(result) && keyOfPolicy(result.policy) === key);
      for (const result of own)
        insert(violations, statusViolation(object, result), { limit, compare: compareViolations });
    }
  }
  return gathered;
}

/** By constraint, of one object. */
type Counts = ReadonlyMap<string, Omit<Gathered, "violations">>;

function countsOf(heads: readonly Result[], constraints: ReadonlySet<string>): Counts {
  const counts = new Map<string, Omit<Gathered, "violations">>();
  for (const head of heads) {
    const { policy, actionName, notAuditable } = head;
    if (policy.dialect !== "gatekeeper") continue;
    const key = keyOfPolicy(policy);
    if (!constraints.has(key)) continue;
    const of = counts.get(key) ?? newGathered();
    counts.set(key, of);
    if (notAuditable) of.notAuditable++;
    if (!isViolation(head)) continue;
    of.total++;
    of.actions[actionName] = (of.actions[actionName] ?? 0) + 1;
  }
  return counts;
}

/** What several replicas found of one constraint, as if one had found it. */
export function joinedResults(parts: readonly ConstraintResults[], limit: number): ConstraintResults {
  const joined = newGathered();
  for (const { total, actions, notAuditable, violations } of parts) {
    joined.total += total;
    joined.notAuditable += notAuditable;
    for (const [action, count] of Object.entries(actions))
      joined.actions[action] = (joined.actions[action] ?? 0) + count;
    for (const one of violations) insert(joined.violations, one, { limit, compare: compareViolations });
  }
  return joined;
}

interface Gathered {
  total: number;
  readonly actions: Record<string, number>;
  notAuditable: number;
  /** From the largest to the smallest. */
  readonly violations: StatusViolation[];
}

function newGathered(): Gathered {
  return { total: 0, actions: {}, notAuditable: 0, violations: [] };
}

interface Inserting<Item> {
  readonly limit: number;
  readonly compare: (a: Item, b: Item) => number;
}

/** Keeps the smallest, from the largest to the smallest. */
function insert<Item>(items: Item[], one: Item, { limit, compare }: Inserting<Item>): void {
  const [largest] = items;
  if (items.length >= limit && (largest === undefined || compare(one, largest) >= 0)) return;
  const at = items.findIndex((other) => compare(other, one) <= 0);
  items.splice(at === -1 ? items.length : at, 0, one);
  if (items.length > limit) items.shift();
}

function compareObjects(a: AuditedObject, b: AuditedObject): number {
  return (
    byCodePoints(a.group, b.group) ||
    byCodePoints(a.version, b.version) ||
    byCodePoints(a.kind, b.kind) ||
    byCodePoints(a.namespace, b.namespace) ||
    byCodePoints(a.name, b.name)
  );
}

function compareViolations(a: StatusViolation, b: StatusViolation): number {
  return (
    byCodePoints(a.group, b.group) ||
    byCodePoints(a.version, b.version) ||
    byCodePoints(a.kind, b.kind) ||
    byCodePoints(a.namespace ?? "", b.namespace ?? "") ||
    byCodePoints(a.name, b.name) ||
    byCodePoints(a.message, b.message) ||
    byCodePoints(a.enforcementAction, b.enforcementAction)
  );
}

// ── writing

export interface StatusWriter {
  /** Writes where it differs from what stands there. Rejects when the API server refuses; a constraint that went is no error. */
  write(constraint: PolicyObject, results: ConstraintResults): Promise<void>;
  /** Looks at every status again before it takes it for written. */
  forget(): void;
}

export interface StatusWriterOptions {
  readonly client: ClusterClient;
  readonly resourceOf: (constraint: PolicyObject) => GroupVersionResource;
  /** RFC 3339, to the second: of the audit that found it. */
  readonly timestamp: () => string;
}

export function createStatusWriter({ client, resourceOf, timestamp }: StatusWriterOptions): StatusWriter {
  /** What was written last, by constraint and uid: no need to read it again. */
  const written = new Map<string, string>();
  return {
    forget: () => written.clear(),
    write: async (constraint, results) => {
      const key = `${keyOfPolicy(constraint.id)} ${constraint.uid}`;
      const wanted = JSON.stringify(fieldsOf(results));
      if (written.get(key) === wanted) return;
      const resource = resourceOf(constraint);
      const name = { namespace: "", name: constraint.id.name };
      try {
        await retryOnConflict(async () => {
          const present = valueAt(await client.get(resource, name), "status");
          if (stringAt(present, "auditTimestamp") !== "" && standing(present) === wanted) return;
          const status = { auditTimestamp: timestamp(), ...fieldsOf(results) };
          await client.patch(resource, name, { status }, { type: "merge", subresource: "status" });
        });
        written.set(key, wanted);
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
      }
    },
  };
}

/** In a merge patch null takes a field away. */
function fieldsOf({ total, violations, notAuditable }: ConstraintResults): Readonly<Record<string, unknown>> {
  return {
    totalViolations: total,
    violations: violations.length === 0 ? null : violations,
    notAuditable: notAuditable === 0 ? null : notAuditable,
  };
}

/** The same of a status that stands there; violations with their fields in our order. */
function standing(status: unknown): string {
  const violations = valueAt(status, "violations");
  return JSON.stringify({
    totalViolations: valueAt(status, "totalViolations") ?? null,
    violations: Array.isArray(violations) && violations.length > 0 ? violations.map(ordered) : null,
    notAuditable: valueAt(status, "notAuditable") ?? null,
  });
}

const fields = ["group", "version", "kind", "name", "namespace", "message", "enforcementAction", "enforcementActions"];

/** A violation as the API server gives it, with its fields in our order. */
export function ordered(violation: unknown): StatusViolation {
  return Object.fromEntries(
    fields.flatMap((field) => {
      const value = valueAt(violation, field);
      return value === undefined ? [] : [[field, value]];
    }),
  ) as unknown as StatusViolation;
}
