// One question to the engine, and what it may look at. Equal requests give equal decisions, from wherever they come.

import type { Budget, World } from "@portcullis/lang";
import type { Action } from "./outcome.ts";

/** The tree of JSON.parse; a number that a double would change is a Decimal of lang. */
export type Json = unknown;

export interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface Gvr {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

export interface ObjectRef extends Gvk {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
}

export interface UserInfo {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Json;
  /** What is bound to the user, `namespace:name` and cluster roles, where whoever asks knows it; otherwise it is a Need. */
  readonly roles?: readonly string[];
  readonly clusterRoles?: readonly string[];
}

export type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

export interface EvaluationRequest {
  /** Where the question comes from; a dialect maps it: validation.gatekeeper.sh, background, … */
  readonly point: "webhook" | "audit" | "cli" | "schedule";
  /** Null: nobody asked (audit, gator); dialects show it as "" or CREATE. */
  readonly operation: Operation | null;
  /** Null: a plain JSON payload. */
  readonly kind: Gvk | null;
  readonly resource: Gvr | null;
  readonly subResource: string;
  /** As sent, before matchPolicy Equivalent. */
  readonly requestKind: Gvk | null;
  readonly requestResource: Gvr | null;
  readonly requestSubResource?: string;
  readonly namespace: string;
  /** The object of that namespace, where whoever asks has it; else it is looked up. */
  readonly namespaceObject?: Json;
  readonly name: string;
  readonly uid: string;
  /** Null when there is none; so are the next two. */
  readonly object: Json;
  readonly oldObject: Json;
  readonly options: Json;
  readonly user: UserInfo | null;
  /** Null: not said (audit, gator); dialects leave the key out. */
  readonly dryRun: boolean | null;
  /** Made by an ExpansionTemplate. */
  readonly implied: Implied | null;
}

/** A request about an object that another one will make. */
export interface Implied {
  readonly by: string;
  /** In the place of the policy's own; null: none. */
  readonly action: Action | null;
  /** The users' word for the action; present too where nobody knows such an action. */
  readonly actionName?: string;
}

/** What an evaluation may use. */
export interface Evaluation {
  readonly world: World;
  readonly budget: Budget;
  readonly catalog: Catalog;
  /**
   * What policies share while one request is decided, by keys that belong to their dialect (a review built once).
   * Only results that no budget and no missing need can change belong here.
   */
  readonly shared: Map<unknown, unknown>;
  trace?(event: { readonly what: string; readonly value?: unknown }): void;
}

/** Kinds, their resources, scopes and schemas: a built-in table and the CRDs that are known. */
export interface Catalog {
  resourceOf(kind: Gvk): { readonly resource: Gvr; readonly namespaced: boolean } | null;
  /** Null when it is not known. */
  schemaOf(kind: Gvk): Json;
  /** The kind that a resource holds, for requests to its subresources; null when it is not known. */
  kindOf?(resource: Gvr): Gvk | null;
}
