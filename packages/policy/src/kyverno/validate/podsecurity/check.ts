// A podSecurity rule: which checks of the Pod Security Standards its level and version mean is settled when the policy is
// read; a request then takes the Pod out of the object, runs them, takes away what the rule and matching exceptions exempt,
// and makes Kyverno's message of the rest. Behaviour from Kyverno pkg/engine/handlers/validation/validate_pss.go and
// pkg/pss/evaluate.go; where its message has checks in any order, ours has them in the order in which they run.

import { goJson, isObject, stringAt } from "@portcullis/kube";
import type { Budget } from "@portcullis/lang";
import type { Json } from "../../../engine/request.ts";
import { type RegistrySettings, imageInfo } from "../../context/imagereference.ts";
import type { PodSecurityCheck, PodSecurityReport, RuleStatus } from "../../result.ts";
import { createLatest } from "../../latest.ts";
import { controlOf } from "./controls.ts";
import { type Exclusion, type Finding, compileExclusion, withoutExcluded } from "./exclude.ts";
import { type Pod, listOf, readPod } from "./pod.ts";
import { type Check, checksOf, minorOf } from "./standards.ts";
import { type FieldError, type Violation, fieldErrorText } from "./violation.ts";

/** `validate.podSecurity`, compiled. */
export interface PodSecurityRule {
  readonly level: string;
  readonly version: string;
  /** Null when the version is none. */
  readonly checks: readonly Check[] | null;
  readonly exclusions: readonly Exclusion[];
}

/** An exception that matches the request and exempts controls. */
interface PodSecurityException {
  /** `namespace/name`. */
  readonly key: string;
  /** Its `podSecurity`, in the form of a rule's `exclude`. */
  readonly podSecurity: readonly Json[];
}

export interface PodSecurityInput {
  readonly rule: PodSecurityRule;
  readonly ruleName: string;
  readonly object: Json;
  readonly exceptions: readonly PodSecurityException[];
  readonly registry: RegistrySettings;
  readonly budget: Budget;
}

export interface PodSecurityResult {
  readonly status: RuleStatus;
  /** The whole message. */
  readonly message: string;
  /** Null when the Pod was not checked. */
  readonly report: PodSecurityReport | null;
}

/** Compiles the field; variables are never resolved in it. */
export function compilePodSecurity(tree: Json): PodSecurityRule {
  const fields = isObject(tree) ? tree : {};
  const level = stringAt(fields, "level");
  const version = stringAt(fields, "version");
  const minor = minorOf(version);
  const checks = minor === null ? null : checksOf(level, minor);
  return {
    level,
    version,
    checks,
    exclusions: listOf(fields["exclude"]).map((entry) => compileExclusion(entry, checks ?? [])),
  };
}

/** Checks an object. Throws LimitError. */
export function checkPodSecurity(input: PodSecurityInput): PodSecurityResult {
  const { rule, ruleName, object, exceptions, budget } = input;
  const pod = readPod(object);
  if (typeof pod === "string") return failed(`Error while getting new resource: ${pod}`);
  if (rule.checks === null) return failed('failed to parse pod security api version: must be "latest" or "v1.x"');
  const { checks } = rule;
  const found = withoutExcluded(findingsOf(checks, pod, budget), rule.exclusions, { pod, budget });
  if (found.length === 0) {
    return { status: "pass", message: `Validation rule '${ruleName}' passed.`, report: reportOf(input, pod, []) };
  }
  const exempted = exceptions.flatMap(({ podSecurity }) => podSecurity.map((entry) => compileExclusion(entry, checks)));
  const rest = withoutExcluded(found, exempted, { pod, budget });
  const report = reportOf(input, pod, rest);
  if (rest.length === 0) {
    const keys = exceptions.map(({ key }) => key).join(", ");
    return { status: "skip", message: `rule is skipped due to policy exceptions ${keys}`, report };
  }
  const violated = `It violates PodSecurity "${rule.level}:${rule.version}": ${findingsText(rest, stringAt(object, "kind"))}`;
  return { status: "fail", message: `Validation rule '${ruleName}' failed. ${violated}`, report };
}

function failed(message: string): PodSecurityResult {
  return { status: "error", message, report: null };
}

function findingsOf(checks: readonly Check[], pod: Pod, budget: Budget): readonly Finding[] {
  budget.step(checks.length * (1 + pod.containers.length));
  const findings: Finding[] = [];
  const known = knownOf(pod);
  for (const { id, checkPod } of checks) {
    let violation = known.get(checkPod);
    if (violation === undefined) {
      violation = checkPod(pod);
      known.set(checkPod, violation);
    }
    if (violation !== null) findings.push({ id, ...violation });
  }
  return findings;
}

type Known = Map<Check["checkPod"], Violation | null>;

const knownViolations = createLatest<Pod, Known>();

/** What checks have found in a Pod: rules of different levels share most of them. */
function knownOf(pod: Pod): Known {
  return knownViolations.get(pod) ?? knownViolations.set(pod, new Map());
}

// ── messages

function findingsText(findings: readonly Finding[], kind: string): string {
  return findings
    .map(({ reason, errors }) => {
      const fields = (errors ?? []).map((error) => fieldErrorText(inController(error, kind))).join(", ");
      return `(Forbidden reason: ${reason}, field error list: [${fields}])`;
    })
    .join("");
}

/**
 * The error with its field in the object and not in the Pod. Kyverno replaces the words wherever they stand, also in the
 * key of an annotation, and moves `metadata` even for a Pod.
 */
function inController(error: FieldError, kind: string): FieldError {
  const field =
    kind === "Pod" ? error.field : error.field.replaceAll("spec", kind === "CronJob" ? inCronJob : inTemplate);
  return { ...error, field: field.replaceAll("metadata", "spec.template.metadata") };
}

const inTemplate = "spec.template.spec";
const inCronJob = "spec.jobTemplate.spec.template.spec";

// ── reports

function reportOf({ rule, registry }: PodSecurityInput, pod: Pod, findings: readonly Finding[]): PodSecurityReport {
  // Most findings name the same containers.
  const known = new Map<string, string>();
  const imageOf = (name: string): string => {
    const image = known.get(name) ?? imageNamed(name, pod, registry);
    known.set(name, image);
    return image;
  };
  const checks = findings.map(({ id, reason, detail }): PodSecurityCheck => {
    return { id, allowed: false, reason, detail, images: containersIn(detail).map(imageOf) };
  });
  return { level: rule.level, version: rule.version, checks };
}

/** The containers that a sentence names. */
function containersIn(detail: string): readonly string[] {
  const named = /containers?/.exec(detail);
  if (named === null) return [];
  const after = detail.slice(named.index + named[0].length);
  const end = after.indexOf("must");
  return end === -1 ? [] : after.slice(0, end).replaceAll(/["\s]/g, "").split(",");
}

/** The image of a container; of a name that no container has, the name. */
function imageNamed(name: string, pod: Pod, registry: RegistrySettings): string {
  for (const list of ["spec.containers[", "spec.initContainers[", "spec.ephemeralContainers["]) {
    const container = pod.containers.find((one) => one.name === name && one.path.startsWith(list));
    if (container === undefined || container.image.trim() === "") continue;
    const info = imageInfo(container.image, registry);
    return "error" in info ? name : info.reference;
  }
  return name;
}

/** What a report says of the violated controls, beside the message. Kyverno: pkg/utils/report addPodSecurityProperties. */
export function podSecurityProperties(report: PodSecurityReport): Readonly<Record<string, string>> {
  const violated = report.checks.filter(({ allowed }) => !allowed);
  if (violated.length === 0) return {};
  const controls = violated.map(({ id, images }) => {
    const shown = goJson(images.length === 0 ? null : images);
    return `{"ID":${goJson(id)},"Name":${goJson(controlOf(id))},"Images":${shown}}`;
  });
  return {
    standard: report.level,
    version: report.version,
    controls: violated.map(({ id }) => id).join(","),
    controlsJSON: `[${controls.join(",")}]`,
  };
}
