// Checks of what both the Pod and its containers may set: each names who set something bad, the Pod first. Behaviour from
// pod-security-admission policy/check_{appArmorProfile,runAs*,seLinuxOptions,seccompProfile_*,windowsHostProcess}.go.
// Annotations are read there from a Go map, in any order; here in the order of their keys.

import { byCodePoints } from "@portcullis/kube";
import { Decimal, integerOf } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { Json } from "../../../../engine/request.ts";
import { type Container, type Fields, type Pod, fieldsOf, optionalFields, textOf } from "../pod.ts";
import {
  type FieldError,
  type Violation,
  containersText,
  forbiddenAt,
  forbiddenIn,
  joinQuoted,
  plural,
  requiredAt,
  sortedSet,
} from "../violation.ts";
import { isWindows } from "./containers.ts";

/** Who sets something bad, and where. */
interface Setters {
  readonly texts: string[];
  readonly errors: FieldError[];
}

function addContainers(setters: Setters, containers: readonly Container[], errors: readonly FieldError[]): void {
  if (containers.length === 0) return;
  setters.texts.push(containersText(containers.map(({ name }) => name)));
  setters.errors.push(...errors);
}

/** The Pod and the containers whose security context has a bad field; `bad` gives what is bad about it. */
function settersOf(pod: Pod, field: string, bad: (context: Fields) => FieldError["badValue"] | null): Setters {
  const setters: Setters = { texts: [], errors: [] };
  const ofPod = pod.securityContext === null ? null : bad(pod.securityContext);
  if (ofPod !== null) {
    setters.texts.push("pod");
    setters.errors.push(forbiddenIn(`spec.securityContext.${field}`, ofPod));
  }
  const containers: Container[] = [];
  const errors: FieldError[] = [];
  for (const container of pod.containers) {
    const ofContainer = container.securityContext === null ? null : bad(container.securityContext);
    if (ofContainer === null) continue;
    containers.push(container);
    errors.push(forbiddenAt(container, `securityContext.${field}`, ofContainer));
  }
  addContainers(setters, containers, errors);
  return setters;
}

// ── AppArmor

const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";

export function appArmorProfile(pod: Pod): Violation | null {
  const types: string[] = [];
  const setters = settersOf(pod, "appArmorProfile.type", (context) => {
    const type = badProfile(optionalFields(context["appArmorProfile"]));
    if (type !== null) types.push(type);
    return type;
  });
  const values = [...sortedSet(types)];
  const annotations = Object.keys(pod.annotations)
    .filter((key) => key.startsWith(appArmorPrefix) && !isAllowedAppArmor(textOf(pod.annotations[key])))
    .toSorted(byCodePoints);
  if (annotations.length > 0) {
    setters.texts.push(plural("annotation", "annotations", annotations.length));
    setters.errors.push(...annotations.map((key) => annotationError(pod, key)));
    values.push(...annotations.map((key) => annotationText(pod, key)).toSorted(byCodePoints));
  }
  if (setters.texts.length === 0) return null;
  const reason = plural("forbidden AppArmor profile", "forbidden AppArmor profiles", values.length);
  const detail = `${setters.texts.join(" and ")} must not set AppArmor profile type to ${joinQuoted(values)}`;
  return { reason, detail, errors: setters.errors };
}

function isAllowedAppArmor(profile: string): boolean {
  return profile === "" || profile === "runtime/default" || profile.startsWith("localhost/");
}

function annotationError(pod: Pod, key: string): FieldError {
  return forbiddenIn(`metadata.annotations[${key}]`, textOf(pod.annotations[key]));
}

function annotationText(pod: Pod, key: string): string {
  return `${key}=${quote(textOf(pod.annotations[key]))}`;
}

/** The type of a profile that is neither the runtime's nor a file's; null when the profile is allowed or absent. */
function badProfile(profile: Fields | null): string | null {
  if (profile === null) return null;
  const type = textOf(profile["type"]);
  return type === "RuntimeDefault" || type === "Localhost" ? null : type;
}

// ── seccomp

const podAnnotation = "seccomp.security.alpha.kubernetes.io/pod";
const containerAnnotation = "container.seccomp.security.alpha.kubernetes.io/";

/** Before 1.19: annotations. */
export function seccompAnnotations(pod: Pod): Violation | null {
  const keys = [podAnnotation, ...pod.containers.map(({ name }) => containerAnnotation + name)];
  const bad = keys.filter(
    (key) => Object.hasOwn(pod.annotations, key) && !isAllowedSeccomp(textOf(pod.annotations[key])),
  );
  if (bad.length === 0) return null;
  const texts = sortedSet(bad.map((key) => annotationText(pod, key)));
  const noun = plural("annotation", "annotations", texts.length);
  const errors = bad.toSorted(byCodePoints).map((key) => annotationError(pod, key));
  return { reason: "seccompProfile", detail: `forbidden ${noun} ${texts.join(", ")}`, errors };
}

function isAllowedSeccomp(profile: string): boolean {
  return profile === "runtime/default" || profile === "docker/default" || profile.startsWith("localhost/");
}

export function seccompBaseline(pod: Pod): Violation | null {
  const types: string[] = [];
  const setters = settersOf(pod, "seccompProfile.type", (context) => {
    const type = badProfile(optionalFields(context["seccompProfile"]));
    if (type !== null) types.push(type);
    return type;
  });
  if (setters.texts.length === 0) return null;
  const values = joinQuoted(sortedSet(types));
  const detail = `${setters.texts.join(" and ")} must not set securityContext.seccompProfile.type to ${values}`;
  return { reason: "seccompProfile", detail, errors: setters.errors };
}

export function seccompRestricted(pod: Pod): Violation | null {
  const explicit = seccompBaseline(pod);
  if (explicit !== null) return explicit;
  if (hasProfile(pod.securityContext)) return null;
  const bad = pod.containers.filter((container) => !hasProfile(container.securityContext));
  if (bad.length === 0) return null;
  const must = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"';
  return {
    reason: "seccompProfile",
    detail: `pod or ${containersText(bad.map(({ name }) => name))} ${must}`,
    errors: bad.map((container) => requiredAt(container, "securityContext.seccompProfile.type")),
  };
}

/** Which is an allowed one where it is asked. */
function hasProfile(context: Fields | null): boolean {
  return optionalFields(context?.["seccompProfile"]) !== null;
}

export function seccompRestrictedButWindows(pod: Pod): Violation | null {
  return isWindows(pod) ? null : seccompRestricted(pod);
}

// ── who runs

export function runAsNonRoot(pod: Pod): Violation | null {
  const setters = settersOf(pod, "runAsNonRoot", (context) => (context["runAsNonRoot"] === false ? false : null));
  const details: string[] = [];
  if (setters.texts.length > 0) {
    details.push(`${setters.texts.join(" and ")} must not set securityContext.runAsNonRoot=false`);
  }
  const implicit =
    pod.securityContext?.["runAsNonRoot"] === true
      ? []
      : pod.containers.filter((container) => typeof container.securityContext?.["runAsNonRoot"] !== "boolean");
  if (implicit.length > 0) {
    const names = containersText(implicit.map(({ name }) => name));
    details.push(`pod or ${names} must set securityContext.runAsNonRoot=true`);
  }
  if (details.length === 0) return null;
  const missing = implicit.map((container) => requiredAt(container, "securityContext.runAsNonRoot"));
  return { reason: "runAsNonRoot != true", detail: details.join("\n"), errors: [...setters.errors, ...missing] };
}

export function runAsUser(pod: Pod): Violation | null {
  const setters = settersOf(pod, "runAsUser", (context) => (isZero(context["runAsUser"]) ? 0 : null));
  if (setters.texts.length === 0) return null;
  const detail = `${setters.texts.join(" and ")} must not set runAsUser=0`;
  return { reason: "runAsUser=0", detail, errors: setters.errors };
}

export function windowsHostProcess(pod: Pod): Violation | null {
  const setters = settersOf(pod, "windowsOptions.hostProcess", (context) =>
    fieldsOf(context["windowsOptions"])["hostProcess"] === true ? true : null,
  );
  if (setters.texts.length === 0) return null;
  const detail = `${setters.texts.join(" and ")} must not set securityContext.windowsOptions.hostProcess=true`;
  return { reason: "hostProcess", detail, errors: setters.errors };
}

/** A number, as was checked; `-0` and `0.0` are zero too. */
function isZero(value: Json): boolean {
  return typeof value === "number" ? value === 0 : value instanceof Decimal && integerOf(value) === 0n;
}

// ── SELinux

const typesSince0 = new Set(["", "container_t", "container_init_t", "container_kvm_t"]);
const typesSince31 = new Set([...typesSince0, "container_engine_t"]);

export function seLinuxOptions(pod: Pod): Violation | null {
  return seLinux(pod, typesSince0);
}

export function seLinuxOptionsSince31(pod: Pod): Violation | null {
  return seLinux(pod, typesSince31);
}

function seLinux(pod: Pod, allowed: ReadonlySet<string>): Violation | null {
  const setters: Setters = { texts: [], errors: [] };
  const ofPod = badOptions(pod.securityContext, allowed);
  if (ofPod.length > 0) {
    setters.texts.push("pod");
    setters.errors.push(...ofPod.map(([field, value]) => forbiddenIn(`spec.securityContext.${field}`, value)));
  }
  const containers: Container[] = [];
  const errors: FieldError[] = [];
  for (const container of pod.containers) {
    const bad = badOptions(container.securityContext, allowed);
    if (bad.length === 0) continue;
    containers.push(container);
    errors.push(...bad.map(([field, value]) => forbiddenAt(container, `securityContext.${field}`, value)));
  }
  addContainers(setters, containers, errors);
  if (setters.texts.length === 0) return null;
  const detail = `${setters.texts.join(" and ")} set forbidden securityContext.seLinuxOptions: ${optionsText(setters)}`;
  return { reason: "seLinuxOptions", detail, errors: setters.errors };
}

function badOptions(context: Fields | null, allowed: ReadonlySet<string>): readonly (readonly [string, string])[] {
  const options = optionalFields(context?.["seLinuxOptions"]);
  if (options === null) return [];
  const given = ["type", "user", "role"].map((field) => [`seLinuxOptions.${field}`, textOf(options[field])] as const);
  return given.filter(([field, value]) => (field.endsWith("type") ? !allowed.has(value) : value !== ""));
}

function optionsText({ errors }: Setters): string {
  const types = sortedSet(
    errors.filter(({ field }) => field.endsWith(".type")).map(({ badValue }) => String(badValue)),
  );
  const parts: string[] = [];
  if (types.length > 0) parts.push(`${plural("type", "types", types.length)} ${joinQuoted(types)}`);
  for (const option of ["user", "role"]) {
    if (errors.some(({ field }) => field.endsWith(`.${option}`))) parts.push(`${option} may not be set`);
  }
  return parts.join("; ");
}
