// Rules that work behind a request, generate and mutate existing: what they say of it, and what they want done. Unlike
// other rules they ask for exceptions before they match, say nothing when their context cannot be loaded, and look at the
// old object too: where only that one matched, what was made for it is no longer wanted. Their outcomes never deny.
// A mutation of what exists is put off with a `later` effect; its request, asked again with the point `schedule`, gives the
// patches.
// Kyverno: pkg/engine/background.go filterRule, pkg/webhooks/resource/{generation,updaterequest.go}.

import { valueAt } from "@portcullis/kube";
import type { Effect, Outcome } from "../../engine/outcome.ts";
import type { Policy } from "../../engine/policy.ts";
import type { Evaluation, EvaluationRequest, Json } from "../../engine/request.ts";
import { admissionRules } from "../admissionrules.ts";
import { checkConditions } from "../condition/conditions.ts";
import { type LinkedPolicy, type Started, outcomeOf, start } from "../evaluate.ts";
import { appliedExceptions, exempts } from "../exceptions.ts";
import { failureOf } from "../failure.ts";
import { listOf, strings } from "../match/filter.ts";
import { existingResults } from "../mutation.ts";
import type { CompiledRule } from "../policy/rule.ts";
import { type RuleId, type RuleResult, ruleError, ruleResult } from "../result.ts";
import { type RuleRun, loadContext, writtenProperties } from "../rulerun.ts";
import type { KyvernoSettings } from "../settings.ts";
import { type Subject, isMatched } from "../subject.ts";
import type { CompiledGenerate } from "./compile.ts";
import { generateFor, nothingFor, ownerOf } from "./generate.ts";

/** The side of a policy that works behind requests; null when it has none. */
export function backgroundPolicy(linked: LinkedPolicy): Policy | null {
  const { policy } = linked;
  const rules = policy.rules.filter(({ does }) => does.what === "generate" || does.what === "mutateExisting");
  if (rules.length === 0) return null;
  const namespace = policy.kind === "Policy" ? policy.namespace : "";
  return {
    id: { dialect: "kyverno", kind: policy.kind, namespace, name: policy.name },
    scope: policy.scope,
    admission: admissionRules(policy, "validate"),
    reads: [],
    onError: "allow",
    failurePolicy: policy.onError === "deny" ? "Fail" : "Ignore",
    evaluate: (request, evaluation) => evaluateBackground(linked, rules, request, evaluation),
  };
}

/** What the policy's rules say of a request, with their effects. Throws Suspend, LimitError. */
function evaluateBackground(
  linked: LinkedPolicy,
  rules: readonly CompiledRule[],
  request: EvaluationRequest,
  evaluation: Evaluation,
): readonly Outcome[] {
  // Kyverno: pkg/webhooks/resource/handlers.go Validate. A dry run leaves nothing behind.
  if (request.point === "webhook" && request.dryRun === true) return [];
  const started = start(linked, request, evaluation);
  if (started === null) return [];
  return backgroundResults(linked, rules, started).map((result) => recorded(outcomeOf(linked, started, result)));
}

/** Behind a request nothing is denied, and nobody is warned. */
function recorded(outcome: Outcome): Outcome {
  return { ...outcome, actions: ["record"] };
}

/** As `evaluateBackground`, for a policy that has been started. */
export function backgroundResults(
  linked: LinkedPolicy,
  rules: readonly CompiledRule[],
  started: Started,
): readonly RuleResult[] {
  if (started.scope.request.point === "schedule") {
    return rules.flatMap((rule) => existingResults(linked, started, rule));
  }
  const results: RuleResult[] = [];
  let failed = false;
  for (const rule of rules) {
    const { does } = rule;
    if (does.what !== "generate" && does.what !== "mutateExisting") continue;
    if (isLeftOut(rule, started.scope.request, linked.settings)) continue;
    const run = runOf(linked, started, rule);
    const said = does.what === "generate" ? generation(run, does.generate) : mutation(run);
    if (said === null) continue;
    results.push(said.result);
    failed ||= said.failed;
    if (linked.policy.appliesOne && said.result.status !== "skip") break;
  }
  if (!failed || linked.profile !== "kyverno-cli") return results;
  // The command line drops what all rules of a policy made once one of them could not make something.
  return results.map(withoutEffects);
}

function withoutEffects(result: RuleResult): RuleResult {
  return { ...result, effects: [] };
}

/** A scan asks only rules that are also for what existed before them; who makes what they want does not trigger them. */
function isLeftOut(
  { does, tree }: CompiledRule,
  request: EvaluationRequest,
  { backgroundUser }: KyvernoSettings,
): boolean {
  if (request.point === "webhook") {
    return request.user?.username === backgroundUser && tree["skipBackgroundRequests"] !== false;
  }
  if (request.point !== "audit") return false;
  if (does.what === "generate") return !does.generate.existing;
  return valueAt(tree, "mutate", "mutateExistingOnPolicyUpdate") !== true;
}

function runOf(
  { policy, exceptions, settings }: LinkedPolicy,
  { scope, subject }: Started,
  rule: CompiledRule,
): RuleRun {
  const key = policy.kind === "Policy" ? `${policy.namespace}/${policy.name}` : policy.name;
  const named = exceptions.filter((exception) => exempts(exception, key, rule.name));
  const type = rule.does.what === "generate" ? "Generation" : "Mutation";
  const id: RuleId = { name: rule.name, type, properties: writtenProperties(rule) };
  return { policy, rule, id, scope, subject, settings, exceptions: appliedExceptions(named, subject, scope) };
}

interface Ran {
  readonly result: RuleResult;
  /** Something that it wants could not be said. */
  readonly failed: boolean;
}

function ran(result: RuleResult, failed = false): Ran {
  return { result, failed };
}

// ── triggers

/** What a rule says of its trigger; `fail` means that only the old object is one. */
interface Verdict {
  readonly status: "pass" | "fail";
  readonly message: string;
}

/**
 * Holds a rule against its trigger and runs `then` while its context is there; null when it has nothing to say. Throws
 * Suspend, LimitError.
 */
function triggered(run: RuleRun, trigger: Json, then: (verdict: Verdict) => Ran | null): Ran | null {
  const { id, exceptions, scope, subject } = run;
  if (exceptions.length > 0) {
    const keys = exceptions.map(({ key }) => key);
    const skip = ruleResult(id, "skip", `rule is skipped due to policy exception ${keys.join(", ")}`);
    return ran({ ...skip, exceptions: keys });
  }
  const old = subject.oldObject === trigger ? null : subject.oldObject;
  if (!matches(run, trigger)) {
    return id.type === "Generation" && matches(run, old) ? then({ status: "fail", message: "" }) : null;
  }
  return scope.within(() => {
    if (!loadsContext(run)) return null;
    try {
      const { met, message } = checkConditions(run.rule.preconditions, scope);
      if (met) return then({ status: "pass", message });
    } catch (error) {
      return ran(ruleError(id, "failed to evaluate conditions", failureOf(error).message));
    }
    if (old === null) return ran(ruleResult(id, "skip", ""));
    scope.merge(["request", "object"], old);
    try {
      const { met, message } = checkConditions(run.rule.preconditions, scope);
      return met ? then({ status: "fail", message }) : ran(ruleResult(id, "skip", ""));
    } catch (error) {
      return ran(ruleError(id, "failed to evaluate conditions for old resource", failureOf(error).message));
    }
  });
}

function matches({ rule, subject, policy }: RuleRun, object: Json): boolean {
  if (object === null || object === undefined) return false;
  const asked: Subject = { ...subject, object, oldObject: null };
  try {
    return isMatched(rule.match, asked, policy.namespace);
  } catch (error) {
    failureOf(error);
    return false;
  }
}

function loadsContext(run: RuleRun): boolean {
  try {
    loadContext(run);
    return true;
  } catch (error) {
    failureOf(error);
    return false;
  }
}

/** On DELETE the old object is the trigger of rules that ask for that operation. */
function triggerOf({ subject, rule, scope }: RuleRun): Json {
  if (subject.object !== null || scope.profile === "kyverno-cli") return subject.object;
  return matchesDelete(rule) ? subject.oldObject : null;
}

function matchesDelete({ tree }: CompiledRule): boolean {
  const match = valueAt(tree, "match");
  const blocks = [match, ...listOf(match, "any"), ...listOf(match, "all")];
  return blocks.some((block) => strings(valueAt(block, "resources"), "operations").includes("DELETE"));
}

// ── what is wanted

function generation(run: RuleRun, generate: CompiledGenerate): Ran | null {
  const { id, scope, subject } = run;
  const trigger = triggerOf(run);
  if (scope.profile === "kyverno-cli") return cliGeneration(run, generate);
  return triggered(run, trigger, ({ status, message }) => {
    if (status === "pass") return made(run, generate, trigger);
    const effects = nothingFor(run, generate, subject.oldObject);
    return effects.length === 0 ? null : ran({ ...ruleResult(id, "skip", message), effects });
  });
}

function made(run: RuleRun, generate: CompiledGenerate, trigger: Json): Ran {
  const { effects, problem } = generateFor(run, generate, trigger);
  if (problem !== null) return ran({ ...ruleError(run.id, problem), effects }, true);
  return ran({ ...ruleResult(run.id, "pass", ""), effects });
}

/**
 * The command line generates for every rule that says something, whatever it says: only a rule without lists asks its
 * preconditions again. What goes wrong then is not said.
 */
function cliGeneration(run: RuleRun, generate: CompiledGenerate): Ran | null {
  const { scope, subject, id } = run;
  const said = triggered(run, subject.object, ({ status, message }) => {
    return ran(ruleResult(id, status, status === "pass" ? "" : message));
  });
  if (said === null) return null;
  const { effects, failed } = scope.within(() => {
    if (!loadsContext(run)) return { effects: [], failed: true };
    const isMet = generate.pattern === null || preconditionsHold(run);
    if (isMet !== true) return { effects: [], failed: isMet === null };
    const { effects: wanted, problem } = generateFor(run, generate, subject.object);
    return { effects: wanted, failed: problem !== null };
  });
  return ran({ ...said.result, effects }, failed);
}

/** Null when they cannot be evaluated. */
function preconditionsHold({ rule, scope }: RuleRun): boolean | null {
  try {
    return checkConditions(rule.preconditions, scope).met;
  } catch (error) {
    failureOf(error);
    return null;
  }
}

function mutation(run: RuleRun): Ran | null {
  const { id, scope, rule } = run;
  const trigger = triggerOf(run);
  return triggered(run, trigger, ({ status, message }) => {
    const owner = ownerOf(run, trigger);
    const effects: readonly Effect[] = [{ kind: "later", owner, rule: rule.name, request: scope.request }];
    return ran({
      ...ruleResult(id, status, status === "pass" ? "" : message),
      effects: status === "pass" ? effects : [],
    });
  });
}
