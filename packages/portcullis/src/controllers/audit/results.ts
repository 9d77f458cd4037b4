// What the audit found, in memory. Most results of Kyverno's are the same for many objects (a rule that passes says the same
// of every Pod), so such a result is stored once and shared. A violation of Gatekeeper's mostly names the object: of it the
// message and the details lie on a shelf (shelf.ts), and the rest, its head, is shared too. Objects that break the same
// policies have the same heads, so that an object holds one reference to the list of them, and one to its texts. Counting
// needs the heads alone. What nobody refers to any more is forgotten when the store is swept.

import type { KyvernoDetails, Outcome, PolicyId } from "@portcullis/policy";
import { type AuditedPolicy, unitOf } from "./policies.ts";
import { type ShelfText, createShelf } from "./shelf.ts";

/** What one rule says about an object, without the object. */
export interface Result {
  readonly policy: PolicyId;
  /** The policy of the set that said it. */
  readonly unit: string;
  readonly rule: string;
  readonly result: Outcome["result"];
  /** The users' word: deny, dryrun, scoped, Enforce, Audit. */
  readonly actionName: string;
  /** What a scoped action stands for here. */
  readonly scoped: readonly string[];
  readonly message: string;
  /** JSON text, "" for none. */
  readonly details: string;
  readonly properties: Readonly<Record<string, string>>;
  /** `namespace/name` of those that made a rule skip. */
  readonly exceptions: readonly string[];
  /** The policy looks at who asks: nothing that is stored can tell. */
  readonly notAuditable: boolean;
}

/** Said of what an audit cannot decide, because stored objects carry no user. */
const notAuditableText = "not auditable: the policy looks at who asks, and stored objects do not carry a user";

/** The results of one object, as they are kept. */
export interface KeptResults {
  /** As results, but of Gatekeeper's violations without message and details. */
  readonly heads: readonly Result[];
  /** JSON of those, in order; null where there are none. */
  readonly texts: ShelfText | null;
}

export interface ResultStore {
  /** What an outcome says; null for what the audit does not report. */
  keep(outcome: Outcome, policy: AuditedPolicy | undefined): Result | null;
  pack(results: readonly Result[]): KeptResults;
  unpack(kept: KeptResults): readonly Result[];
  /** They are not unpacked any more. */
  drop(kept: KeptResults): void;
  /** Forgets what is not among these. */
  sweep(live: Iterable<KeptResults>): void;
}

/** Of objects without results. */
export const noResults: KeptResults = { heads: [], texts: null };

export function createResultStore(): ResultStore {
  let shared = new Map<string, Result>();
  const heads = createHeads();
  const shelf = createShelf();
  return {
    pack: (results) => {
      if (results.length === 0) return noResults;
      const texts = results.filter(isSingular).flatMap(({ message, details }) => [message, details]);
      return { heads: heads.listOf(results), texts: texts.length === 0 ? null : shelf.put(JSON.stringify(texts)) };
    },
    unpack: ({ heads: list, texts }) => {
      if (texts === null) return list;
      const said = JSON.parse(shelf.get(texts)) as readonly string[];
      let at = 0;
      return list.map((head) => {
        if (!isSingular(head)) return head;
        const [message = "", details = ""] = [said[at], said[at + 1]];
        at += 2;
        return { ...head, message, details };
      });
    },
    drop: ({ texts }) => {
      if (texts !== null) shelf.drop(texts);
    },
    keep: (outcome, policy) => {
      const result = resultOf(outcome, policy);
      if (result === null || isSingular(result)) return result;
      const key = keyOf(result);
      const known = shared.get(key);
      if (known === undefined) shared.set(key, result);
      return known ?? result;
    },
    sweep: (live) => {
      const lists = new Set<readonly Result[]>();
      for (const one of live) lists.add(one.heads);
      const kept = [...lists].flat().filter((head) => !isSingular(head));
      shared = new Map(kept.map((result) => [keyOf(result), result]));
      heads.retain(lists);
    },
  };
}

interface Heads {
  /** The heads of results; equal lists are one. */
  listOf(results: readonly Result[]): readonly Result[];
  /** Forgets all but these lists and what is in them. */
  retain(lists: ReadonlySet<readonly Result[]>): void;
}

function createHeads(): Heads {
  const known = new Map<string, Result>();
  const numbers = new Map<Result, number>();
  const lists = new Map<string, readonly Result[]>();
  let next = 0;
  const headOf = (result: Result): Result => {
    if (!isSingular(result)) return result;
    const key = headKey(result);
    const head = known.get(key) ?? { ...result, message: "", details: "" };
    known.set(key, head);
    return head;
  };
  const numberOf = (head: Result): number => {
    const number = numbers.get(head) ?? next++;
    numbers.set(head, number);
    return number;
  };
  return {
    listOf: (results) => {
      const found = results.map(headOf);
      const key = found.map(numberOf).join();
      const list = lists.get(key) ?? found;
      lists.set(key, list);
      return list;
    },
    retain: (live) => {
      const living = new Set([...live].flat());
      for (const [key, list] of lists) if (!live.has(list)) lists.delete(key);
      for (const [key, head] of known) if (!living.has(head)) known.delete(key);
      for (const head of numbers.keys()) if (!living.has(head)) numbers.delete(head);
    },
  };
}

/** Of a violation of Gatekeeper's: two heads with one key are the same. */
function headKey({
  policy,
  unit,
  rule,
  result,
  actionName,
  scoped,
  properties,
  exceptions,
  notAuditable,
}: Result): string {
  const more = hasKeys(properties) || exceptions.length > 0 ? JSON.stringify([properties, exceptions]) : "";
  return `${unit}\n${policy.kind}\n${policy.name}\n${rule}\n${result}\n${actionName}\n${scoped.join()}\n${notAuditable}\n${more}`;
}

function hasKeys(object: object): boolean {
  for (const key in object) if (Object.hasOwn(object, key)) return true;
  return false;
}

/** A violation of Gatekeeper's nearly always names the object, so that looking for another one like it finds none. */
function isSingular({ policy }: Result): boolean {
  return policy.dialect === "gatekeeper";
}

const nothing: readonly string[] = [];
const emptyDetails = "{}";

function resultOf(outcome: Outcome, audited: AuditedPolicy | undefined): Result | null {
  const { policy, rule, result, actionName, message, details, properties } = outcome;
  const isKyvernos = policy.dialect === "kyverno";
  const about = isKyvernos ? (details as KyvernoDetails | null) : null;
  // What a rule generates or mutates is no judgement about the object.
  if (about !== null && about.type !== "Validation" && about.type !== "ImageVerify") return null;
  const asks = audited?.readsRequester === true;
  return {
    policy,
    unit: audited?.unit ?? unitOf(policy),
    rule,
    result: asks ? "skip" : result,
    actionName,
    scoped: properties["scopedActions"]?.split(",") ?? nothing,
    message: asks ? notAuditableText : message,
    details: isKyvernos || asks ? "" : detailsText(details),
    properties: properties["scopedActions"] === undefined ? properties : withoutScoped(properties),
    exceptions: about?.exceptions ?? nothing,
    notAuditable: asks,
  };
}

function detailsText(details: unknown): string {
  if (details === null || details === undefined) return "";
  const text = JSON.stringify(details);
  return text === emptyDetails ? emptyDetails : text;
}

function withoutScoped(properties: Outcome["properties"]): Outcome["properties"] {
  const { scopedActions: _scoped, ...others } = properties;
  return others;
}

/** Two results with one key say the same. */
function keyOf(result: Result): string {
  const { policy, rule, result: said, actionName, scoped, message, details, properties, exceptions } = result;
  return JSON.stringify([policy, rule, said, actionName, scoped, message, details, properties, exceptions]);
}

function isEqual(a: Result, b: Result): boolean {
  if (a === b) return true;
  // Most that differ differ in these.
  if (a.message !== b.message || a.result !== b.result || a.details !== b.details) return false;
  return keyOf(a) === keyOf(b);
}

export function sameResults(a: readonly Result[], b: readonly Result[]): boolean {
  return a.length === b.length && a.every((result, at) => isEqual(result, b[at] as Result));
}

/** Those of the first that are not in the second. */
export function newResults(results: readonly Result[], before: readonly Result[]): readonly Result[] {
  if (before.length === 0 || results.length === 0) return results;
  const known = new Set(before.map(keyOf));
  return results.filter((result) => !known.has(keyOf(result)));
}
