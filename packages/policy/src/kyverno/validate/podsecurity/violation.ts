// What one check of the Pod Security Standards finds: a reason, a sentence that names containers, and an error for each
// field, from which Kyverno makes the rule's message. Behaviour from the pod-security-admission that Kyverno builds
// with: policy/{checks,violations,helpers}.go, and from Kyverno pkg/pss/evaluate.go FormatChecksPrint.

import { byCodePoints } from "@portcullis/kube";
import type { Container } from "./pod.ts";

export type BadValue = string | boolean | number | readonly string[];

export interface FieldError {
  readonly type: "Required value" | "Forbidden";
  readonly field: string;
  /** "" is no value. */
  readonly badValue: BadValue;
  /** The container in which the field is; null for fields of the Pod. */
  readonly container: string | null;
}

export interface Violation {
  readonly reason: string;
  /** Names the containers; shown in reports only. */
  readonly detail: string;
  /** Null for a check that names no fields, which therefore cannot be exempted. */
  readonly errors: readonly FieldError[] | null;
}

/** A field of the Pod that has a value it must not have. */
export function forbiddenIn(field: string, badValue: BadValue = ""): FieldError {
  return { type: "Forbidden", field, badValue, container: null };
}

/** A field of a container, by its path below the container, that has a value it must not have. */
export function forbiddenAt(container: Container, below: string, badValue: BadValue): FieldError {
  return { type: "Forbidden", field: `${container.path}.${below}`, badValue, container: container.name };
}

/** A field of a container that must be there. */
export function requiredAt(container: Container, below: string): FieldError {
  return { type: "Required value", field: `${container.path}.${below}`, badValue: "", container: container.name };
}

/** Kyverno: `spec.hostPID is forbidden, forbidden values found: true`, or without a value Kubernetes' own text. */
export function fieldErrorText({ type, field, badValue }: FieldError): string {
  if (type !== "Forbidden" || badValue === "") return `${field}: ${type}`;
  const found = typeof badValue === "object" ? `[${badValue.join(" ")}]` : String(badValue);
  return `${field} is forbidden, forbidden values found: ${found}`;
}

/** `"a", "b"`. */
export function joinQuoted(texts: readonly string[]): string {
  return texts.length === 0 ? "" : `"${texts.join('", "')}"`;
}

export function plural(singular: string, many: string, count: number): string {
  return count === 1 ? singular : many;
}

/** `container "a"`, `containers "a", "b"`. */
export function containersText(names: readonly string[]): string {
  return `${plural("container", "containers", names.length)} ${joinQuoted(names)}`;
}

/** Distinct and in Go's order of strings. */
export function sortedSet(texts: Iterable<string>): readonly string[] {
  return [...new Set(texts)].toSorted(byCodePoints);
}
