// The pure engine and its dialects: what decides, with no cluster, clock or socket.

export { type Engine, type EngineOptions, createEngine, statusKey } from "./engine/engine.ts";
export { canonicalJson, digestOf, sha256 } from "./engine/digest.ts";
export type { Linked, Locate, PolicyFrontend, Profile, ReadFrom } from "./engine/frontend.ts";
export type { Action, Answered, Decision, Effect, Outcome, PolicyId, Suspended } from "./engine/outcome.ts";
export { type PatchOperation, jsonPatch } from "./engine/patch.ts";
export type { MutationStage, Policy, Scope } from "./engine/policy.ts";
export type { EvaluateOptions, PolicySet, PolicySource } from "./engine/policyset.ts";
export type {
  Catalog,
  Evaluation,
  EvaluationRequest,
  Gvk,
  Gvr,
  Json,
  ObjectRef,
  Operation,
  UserInfo,
} from "./engine/request.ts";
