// What policies say: outcomes per rule, effects as desired state, and the decision that joins them.

import type { Need, World } from "@portcullis/lang";
import type { EvaluationRequest, Gvk, Json, ObjectRef } from "./request.ts";

export type Action = "deny" | "warn" | "record";

export interface PolicyId {
  readonly dialect: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Outcome {
  readonly policy: PolicyId;
  readonly rule: string;
  readonly result: "pass" | "fail" | "warn" | "error" | "skip";
  readonly actions: readonly Action[];
  /** The users' word: dryrun, scoped, Enforce, Audit. */
  readonly actionName: string;
  readonly message: string;
  readonly details: Json;
  readonly reason?: "Invalid" | "Forbidden" | "RequestEntityTooLarge";
  /** Path in the object. */
  readonly at?: string;
  /** Binding, param, exceptions, audit annotations. */
  readonly properties: Readonly<Record<string, string>>;
  readonly effects: readonly Effect[];
}

/** Desired state of one owner (policy, rule, trigger); what an owner no longer wants is removed by the controller. */
export type Effect =
  | {
      readonly kind: "ensure";
      readonly owner: string;
      readonly objects: readonly Wanted[];
      readonly synchronize: boolean;
      readonly apply: boolean;
      /** Not all that the owner wants could be said this time: nothing is removed. */
      readonly partial?: boolean;
      /** What was made stays when the policy goes. */
      readonly orphan?: boolean;
    }
  | { readonly kind: "patch"; readonly owner: string; readonly target: ObjectRef; readonly patch: Json }
  | { readonly kind: "later"; readonly owner: string; readonly rule: string; readonly request: EvaluationRequest }
  | { readonly kind: "delete"; readonly target: ObjectRef; readonly propagation: string }
  | { readonly kind: "event"; readonly about: ObjectRef; readonly reason: string; readonly message: string };

/** An object that an owner wants: as it is given, a copy of another one, or a copy of each of several. */
export type Wanted =
  | { readonly data: Json }
  | { readonly clone: ObjectRef; readonly as?: CopyTarget }
  | { readonly cloneAll: CopySources; readonly as: CopyTarget };

/** The objects of some kinds in a namespace ("" for all or none) whose labels match a LabelSelector. */
export interface CopySources {
  /** Versions may be empty: any that is served. */
  readonly kinds: readonly Gvk[];
  readonly namespace: string;
  readonly selector: Json;
}

export interface CopyTarget {
  readonly namespace: string;
  /** "": the name of what is copied. */
  readonly name: string;
  /** Labels that the copy gets beside those of what is copied. */
  readonly labels: Readonly<Record<string, string>>;
}

/** One dialect's answer to a request, in its own words. */
export interface Answered {
  /** Whose answer it is, where it is exactly that of one dialect. */
  readonly dialect?: string;
  readonly allowed: boolean;
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly warnings: readonly string[];
}

export interface Decision extends Answered {
  readonly object: Json;
  /** RFC 6902 operations from the request's object to `object`. */
  readonly patch: readonly Json[];
  readonly outcomes: readonly Outcome[];
  readonly effects: readonly Effect[];
  /** Policies whose error or missing need let the request through unchecked. */
  readonly unchecked: readonly PolicyId[];
}

/** Needs are missing: fetch them, then resume; only what suspended runs again. */
export interface Suspended {
  readonly needs: readonly Need[];
  resume(world: World): Decision | Suspended;
}
