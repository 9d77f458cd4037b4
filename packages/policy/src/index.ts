// The pure engine and its dialects: what decides, with no cluster, clock or socket.

export {
  type Engine,
  type EngineOptions,
  admissionProblems,
  createEngine,
  ownerOf,
  statusKey,
} from "./engine/engine.ts";
export { canonicalJson, digestOf, sha256 } from "./engine/digest.ts";
export type { Linked, Locate, PolicyFrontend, Profile, ReadFrom } from "./engine/frontend.ts";
export type {
  Action,
  Answered,
  CopySources,
  Decision,
  Effect,
  Outcome,
  PolicyId,
  Suspended,
  Wanted,
} from "./engine/outcome.ts";
export { joinAnswers } from "./engine/join.ts";
export { lintSources } from "./engine/lint.ts";
export type { FieldFact, PolicyFacts } from "./engine/overlap.ts";
export { type PatchOperation, jsonPatch } from "./engine/patch.ts";
export type { AdmissionRule, FailurePolicy, MutationStage, Policy, Scope } from "./engine/policy.ts";
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
export { unsentRequest } from "./engine/unsent.ts";
export {
  type AdmissionSettings,
  type ExemptNamespaces,
  excludedText,
  isGatekeepers,
  labelAdmission,
  policyAdmission,
} from "./gatekeeper/admission.ts";
export { type Enforced, type Enforcement, type Point, pointOf } from "./gatekeeper/constraint/enforcement.ts";
export type { ExplainedCriterion, Matcher } from "./gatekeeper/constraint/match.ts";
export { type Constraint, type ConstraintSource, type Joined, joinConstraint } from "./gatekeeper/constraint/read.ts";
export {
  type ExplainOptions,
  type ExplainedConstraint,
  type ExplainedResult,
  type ExplainedRule,
  type ExplainedStep,
  explainRequest,
} from "./gatekeeper/explain.ts";
export { type GatekeeperOptions, type GatekeeperUnit, gatekeeperFrontend } from "./gatekeeper/frontend.ts";
export { type BenchSession, openBench } from "./gatekeeper/gator/bench.ts";
export { gatorExpand } from "./gatekeeper/gator/expand.ts";
export { type StatsEntry, createObserver } from "./gatekeeper/gator/observe.ts";
export { type GatorOptions } from "./gatekeeper/gator/policies.ts";
export { suitesText } from "./gatekeeper/gator/report.ts";
export {
  type CaseResult,
  type SuiteFile,
  type SuiteResult,
  type TestResult,
  type VerifyOptions,
  isFailure,
  runSuite,
} from "./gatekeeper/gator/run.ts";
export { type Filter, type Suite, compileFilter, readSuite } from "./gatekeeper/gator/suite.ts";
export { gatorSyncTest } from "./gatekeeper/gator/sync.ts";
export {
  type GatorObject,
  type GatorRow,
  type GatorTest,
  gatorTest,
  isEnforced,
  rowText,
} from "./gatekeeper/gator/test.ts";
export { type Snapshot, inventoryNeed, inventoryOf, snapshotOf } from "./gatekeeper/inventory.ts";
export { expansionTree } from "./gatekeeper/expansion/read.ts";
export { type MutatorKind, mutatorTree } from "./gatekeeper/mutation/schema.ts";
export { templateReads } from "./gatekeeper/template/read.ts";
export { templateSchema } from "./gatekeeper/template/template-schema.ts";
export { cleanupTree } from "./kyverno/cleanup/check.ts";
export { policyTrees } from "./kyverno/policy/schema.ts";
export { type MutationEvent, mutationEvent } from "./gatekeeper/mutation/stage.ts";
export { mutationAdmission, mutationAnswer } from "./gatekeeper/mutation/admission.ts";
export { configOf, traceFor } from "./gatekeeper/configuration/config.ts";
export { isExternalDataAnswers } from "./gatekeeper/externaldata/answers.ts";
export { type ExternalData, type ExternalDataCall, externalDataKind } from "./gatekeeper/externaldata/need.ts";
export { readProviderResponse } from "./gatekeeper/externaldata/response.ts";
export { sortedResults } from "./gatekeeper/respond.ts";
export { type Candidate, type Review, namespaceNeed, reviewOf } from "./gatekeeper/review.ts";
export type { ReadyTemplate, Template } from "./gatekeeper/template/read.ts";
export { type Schedule, nextTime, parseSchedule } from "./kyverno/cleanup/cron.ts";
export { type TimeToLive, timeToLive } from "./kyverno/cleanup/ttl.ts";
export { isBookkeeping, kyvernoAdmission, managedAdmission, storesKyvernos } from "./kyverno/admission.ts";
export { type ConfiguredCluster, readConfiguration } from "./kyverno/configuration.ts";
export { type KyvernoDetails } from "./kyverno/evaluate.ts";
export { type KyvernoOptions, type KyvernoUnit, kyvernoFrontend } from "./kyverno/frontend.ts";
export { policyKinds } from "./kyverno/policy/kinds.ts";
export { unbuiltCode } from "./kyverno/lint/unbuilt.ts";
export { type Housekeeping, type HousekeepingAnswer, housekeeping } from "./kyverno/housekeeping.ts";
export { type KyvernoSettings, defaultSettings, parseResourceFilters } from "./kyverno/settings.ts";
export { copyOf } from "./kyverno/generate/labels.ts";
export { matchesKindParts } from "./kyverno/match/kinds.ts";
export { compileSelector } from "./kyverno/match/selector.ts";
export { matchesWildcard } from "./kyverno/pattern/wildcard.ts";
export { naturalOrder } from "./kyverno/naturalorder.ts";
export { type PolicyInfo, type RulesStatus, metricType, policyInfo, rulesStatus } from "./kyverno/policyinfo.ts";
export type { Row } from "./kyverno/testfile/check.ts";
export { answerFrom } from "./kyverno/testfile/cluster.ts";
export { evaluateCliPolicy, readCliPolicy, readPeerPolicy } from "./kyverno/testfile/engine.ts";
export { type Files as KyvernoFiles, loadPolicies } from "./kyverno/testfile/load.ts";
export { asLoaded } from "./kyverno/testfile/objects.ts";
export { type ApplyCluster, type ApplyInput, type Applying, prepareApply } from "./kyverno/testfile/apply.ts";
export { generatedFrom } from "./kyverno/testfile/effects.ts";
export { countResponse, isAudited, isScored, noResults, reportedResult } from "./kyverno/testfile/outcome.ts";
export { type PolicyReport, exceptionsForFailures, policyReports } from "./kyverno/testfile/report.ts";
export { type PolicyResponse, runPolicies } from "./kyverno/testfile/run.ts";
export { parseSelector } from "./kyverno/testfile/selector.ts";
export {
  type LoadedTests,
  type TestCase,
  type TestOutcome,
  isDeprecated as isDeprecatedTest,
  loadTests,
  readTests,
  runTestCase,
} from "./kyverno/testfile/testcase.ts";
export type { TestOptions } from "./kyverno/testfile/testrun.ts";
export { readVariables } from "./kyverno/testfile/values.ts";
