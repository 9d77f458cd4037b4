// The rule loop as the command line calls it: the same compiled policies that decide in a cluster, with the profile
// `kyverno-cli`, values in place of a cluster, and the labels of the namespace that the values give.

import { aggregateText, annotationsOf, gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import { type Answer, LimitError, type Need, errorAt } from "@portcullis/lang";
import type { Outcome } from "../../engine/outcome.ts";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Evaluation, EvaluationRequest, Json } from "../../engine/request.ts";
import { unsentRequest } from "../../engine/unsent.ts";
import { type KyvernoDetails, type LinkedPolicy, start, validateRequest } from "../evaluate.ts";
import { readException } from "../exceptions.ts";
import { backgroundResults } from "../generate/background.ts";
import { mutateRequest } from "../mutation.ts";
import { actionFor } from "../policy/action.ts";
import { policyProblem } from "../policy/check.ts";
import { misfitsOf } from "../policy/misfits.ts";
import { Unreadable } from "../policy/typedrule.ts";
import { type CompiledPolicy, compilePolicy } from "../policy/policy.ts";
import type { CompiledRule } from "../policy/rule.ts";
import { mistypedMetadata, nameErrors, unknownMetadata } from "../policy/metadata.ts";
import { policySchemaOf } from "../policy/schema.ts";
import type { PodSecurityReport, RuleResult } from "../result.ts";
import { type ContextSource, type KyvernoSettings, defaultSettings } from "../settings.ts";
import type { CliInput, CliPolicy, CliResult, Phase, ReadCliPolicy } from "./port.ts";

/**
 * Compiles a ClusterPolicy or Policy. What does not fit the schema is no policy; an unknown field ends the load, as in
 * Kyverno, with an Error of its text, and so do conditions and loops that are none, which the schema leaves open.
 */
export const readCliPolicy: ReadCliPolicy = (object, from) => read(object, from, defaultSettings.peerAnswers);

/** The same, for policies that answer as Kyverno's own even where ours differ by choice. */
export const readPeerPolicy: ReadCliPolicy = (object, from) => read(object, from, true);

function read(object: Json, from: ReadFrom, peerAnswers: boolean): ReturnType<ReadCliPolicy> {
  const { group, version, kind } = gvkOf(object);
  const refuse = (text: string, path: readonly (string | number)[]): ReturnType<ReadCliPolicy> => ({
    policy: null,
    diagnostics: [errorAt("policy-schema", from.locate?.(path) ?? null, text)],
  });
  const mistyped = mistypedMetadata(object);
  if (mistyped !== null) return refuse(`failed to parse document (${mistyped.text})`, mistyped.path);
  const { wrong: misfitting, unknown } = misfitsOf(object, policySchemaOf(version));
  const wrong = [...nameErrors(object), ...misfitting];
  const strangers = [
    ...unknownMetadata(object).map((field) => `metadata.${field}`),
    ...unknown.map(({ text }) => text),
  ];
  if (strangers.length > 0) {
    const texts = strangers.map((text) => `${text}: Invalid value: value provided for unknown field`);
    throw new Error(`failed to parse document (${texts.join("\n")})`);
  }
  const [first] = wrong;
  if (first !== undefined) {
    const why = `${kind}.${group} "${nameOf(object)}" is invalid: ${aggregateText(wrong)}`;
    return refuse(`failed to validate resource (${why})`, first.path ?? []);
  }
  if (nameOf(object) === "") {
    return refuse("failed to validate resource (Internal error occurred: metadata.name was not generated)", [
      "metadata",
    ]);
  }
  const problem = policyProblem(object, "cli");
  if (problem instanceof Unreadable)
    throw new Error(`policy type not supported ${group}/${version}, Kind=${kind}: ${problem.message}`);
  const compiled = compilePolicy(object, { peerAnswers });
  const policy = cliPolicy(compiled, problem?.message ?? null);
  compiledOf.set(policy, { compiled, peerAnswers });
  return { policy, diagnostics: [] };
}

interface Compiled {
  readonly compiled: CompiledPolicy;
  readonly peerAnswers: boolean;
}

const compiledOf = new WeakMap<CliPolicy, Compiled>();

function cliPolicy(compiled: CompiledPolicy, problem: string | null): CliPolicy {
  const rules = compiled.rules.flatMap((rule) => {
    const phase = phaseOf(rule);
    return phase === null ? [] : [{ name: rule.name, phase }];
  });
  return {
    kind: compiled.kind,
    namespace: compiled.namespace,
    name: compiled.name,
    annotations: annotationsOf(compiled.object),
    process: compiled.background ? "background scan" : compiled.admission ? "admission review" : "",
    phases: new Set(rules.map(({ phase }) => phase)),
    rules,
    problem,
    audits: (namespace, labels) => {
      const place = { namespace, namespaceLabels: () => labels };
      return compiled.rules.every((rule) => actionFor(rule.failureAction, compiled.failureAction, place) === "Audit");
    },
  };
}

function phaseOf({ does }: CompiledRule): Phase | null {
  switch (does.what) {
    case "validate":
    case "podSecurity":
    case "cel":
      return "validate";
    case "mutate":
    case "mutateExisting":
      return "mutate";
    case "generate":
      return "generate";
    // Rules that are not built give their errors where objects are validated.
    case "unsupported":
      return "validate";
    case "nothing":
      return null;
  }
}

/** One phase of a policy. Throws Suspend, and an Error that names the policy where it runs into a limit. */
export function evaluateCliPolicy(policy: CliPolicy, phase: Phase, input: CliInput, evaluation: Evaluation): CliResult {
  try {
    return evaluatePhase(policy, phase, input, evaluation);
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    throw new Error(`policy ${policy.name}: ${error.message}`, { cause: error });
  }
}

function evaluatePhase(policy: CliPolicy, phase: Phase, input: CliInput, evaluation: Evaluation): CliResult {
  const known = compiledOf.get(policy);
  const object = input.object ?? input.oldObject;
  if (known === undefined) return { rules: [], object };
  const { compiled, peerAnswers } = known;
  const linked: LinkedPolicy = {
    policy: compiled,
    exceptions: input.exceptions.map(readException),
    settings: { ...settingsFor(input), peerAnswers },
    profile: "kyverno-cli",
  };
  const request = requestOf(input);
  const asked = { ...evaluation, world: withNamespace(evaluation.world, input) };
  if (phase === "validate") {
    return { rules: validateRequest(linked, request, asked).map(ruleResultOf), object };
  }
  if (phase === "mutate") {
    const mutated = mutateRequest(linked, request, asked);
    const patched = input.object === null && mutated.object !== null ? object : mutated.object;
    return { rules: mutated.outcomes.map(ruleResultOf), object: patched };
  }
  if (phase === "generate") {
    const started = start(linked, request, asked);
    return { rules: started === null ? [] : backgroundResults(linked, compiled.rules, started), object };
  }
  return { rules: [], object };
}

function settingsFor(input: CliInput): KyvernoSettings {
  const sources: readonly Exclude<ContextSource, "variable">[] = [
    "configMap",
    "apiCall",
    "imageRegistry",
    "globalReference",
  ];
  return {
    ...defaultSettings,
    // Kyverno's command line reads no ConfigMap, not even its defaults. The budget ends what grows.
    maxContextSize: 0,
    given: {
      forPolicy: () => input.values,
      forRule: (_policy, rule) => input.ruleValues(rule),
      leavesOut: new Set(sources.filter((source) => !input.available.has(source))),
    },
  };
}

function requestOf({ operation, object, oldObject, kind, subresource, user }: CliInput): EvaluationRequest {
  return {
    ...unsentRequest(object ?? oldObject, "cli"),
    operation,
    kind,
    subResource: subresource,
    object,
    oldObject,
    user: user === null ? null : { ...user.userInfo, roles: user.roles, clusterRoles: user.clusterRoles },
  };
}

/** Whoever asks for the object's own Namespace gets the labels that were given. */
export function withNamespace(
  world: Evaluation["world"],
  { object, oldObject, namespaceLabels }: Pick<CliInput, "object" | "oldObject" | "namespaceLabels">,
): Evaluation["world"] {
  const name = namespaceOf(object ?? oldObject);
  const metadata = { name, labels: namespaceLabels };
  const answer: Answer = { value: { apiVersion: "v1", kind: "Namespace", metadata } };
  const isOwn = ({ kind, key }: Need): boolean => kind === "object" && key === `v1/Namespace//${name}`;
  return {
    nowMs: world.nowMs,
    host: world.host,
    random: (stream) => world.random(stream),
    ask: (needs) => (needs.every(isOwn) ? needs.map(() => answer) : world.ask(needs)),
  };
}

function ruleResultOf({ rule, result, message, properties, effects, details }: Outcome): RuleResult {
  const { type, exceptions, podSecurity } = details as KyvernoDetails;
  return {
    rule,
    type,
    status: result,
    message,
    properties,
    effects,
    exceptions,
    ...(podSecurity === undefined ? {} : { podSecurity: podSecurity as PodSecurityReport }),
  };
}
