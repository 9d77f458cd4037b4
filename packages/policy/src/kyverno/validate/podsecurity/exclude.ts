// Exemptions of controls. An entry names a control and perhaps images, a field and values. The checks of that control run
// once more on a part of the Pod: with images, on the containers with such images and nothing else; without, on the Pod
// with one empty container in place of its own. Whatever this second run finds and the entry covers is taken away from
// the first run's findings: the first error of the same field, and with images of a container of the same name. A check
// whose errors are all taken away no longer counts. The empty container is Kyverno's, and shows: `Running as Non-root`
// without images takes away what the first container lacks. As there, an error that is taken away leaves its place to
// the last one. Behaviour from Kyverno pkg/pss/evaluate.go; what a Go map there puts in any order keeps its order here.

import type { Budget } from "@portcullis/lang";
import { isObject } from "@portcullis/kube";
import type { Json } from "../../../engine/request.ts";
import { matchesWildcard } from "../../pattern/wildcard.ts";
import { checkIdsOf } from "./controls.ts";
import { type Pod, containerAt, listOf, none, textOf } from "./pod.ts";
import type { Check } from "./standards.ts";
import type { BadValue, FieldError, Violation } from "./violation.ts";

/** What one check found. */
export interface Finding extends Violation {
  readonly id: string;
}

/** An entry of `exclude`, compiled. */
export interface Exclusion {
  readonly checks: readonly Check[];
  /** None: the entry is about the Pod. */
  readonly images: readonly string[];
  /** "" is every field of the control. */
  readonly restrictedField: string;
  readonly values: readonly string[];
}

/** Compiles an entry for the checks of a rule's level and version. */
export function compileExclusion(entry: Json, checks: readonly Check[]): Exclusion {
  const fields = isObject(entry) ? entry : {};
  const ids = checkIdsOf(textOf(fields["controlName"]));
  return {
    checks: checks.filter(({ id }) => ids.includes(id)),
    images: listOf(fields["images"]).map(textOf),
    restrictedField: textOf(fields["restrictedField"]),
    values: listOf(fields["values"]).map(textOf),
  };
}

/** What remains of the findings once exclusions are taken away. Throws LimitError. */
export function withoutExcluded(
  findings: readonly Finding[],
  exclusions: readonly Exclusion[],
  { pod, budget }: { readonly pod: Pod; readonly budget: Budget },
): readonly Finding[] {
  let rest = findings;
  for (const exclusion of exclusions) {
    const part = partOf(pod, exclusion, budget);
    for (const { id, checkPod } of exclusion.checks) {
      const excused = checkPod(part)?.errors ?? [];
      for (const error of excused) {
        budget.step(1);
        if (!covers(exclusion, error, budget)) continue;
        const excuse = {
          field: indexless(error.field),
          container: exclusion.images.length === 0 ? null : error.container,
        };
        rest = rest.flatMap((one) => (one.id === id ? without(one, excuse, budget) : one));
      }
    }
  }
  return rest;
}

function partOf(pod: Pod, { images }: Exclusion, budget: Budget): Pod {
  if (images.length === 0) return { ...pod, containers: [containerAt("spec.containers[0]", { name: "fake" })] };
  const containers = pod.containers.filter(({ image }) => matchesAny(images, image, budget));
  return { annotations: none, spec: none, securityContext: null, containers };
}

function covers({ restrictedField, values }: Exclusion, error: FieldError, budget: Budget): boolean {
  if (restrictedField !== "" && restrictedField !== indexless(error.field)) return false;
  if (values.length === 0) return true;
  return badTexts(error.badValue).every((text) => matchesAny(values, text, budget));
}

/** Any number in it, also in the key of an annotation. */
function indexless(field: string): string {
  return field.replaceAll(/\d+/g, "*");
}

function badTexts(value: BadValue): readonly string[] {
  if (typeof value === "object") return value;
  return value === "" ? [] : [String(value)];
}

function matchesAny(patterns: readonly string[], text: string, budget: Budget): boolean {
  return patterns.some((pattern) => matchesWildcard(pattern, text, budget));
}

interface Excuse {
  readonly field: string;
  /** Null: of whichever container. */
  readonly container: string | null;
}

/** The finding without the first error that is excused; none when it was the last. */
function without(finding: Finding, { field, container }: Excuse, budget: Budget): readonly Finding[] {
  if (finding.errors === null) return [finding];
  // Each is looked at, and all are copied.
  budget.step(finding.errors.length * 100);
  const isExcused = (error: FieldError): boolean =>
    indexless(error.field) === field && (container === null || error.container === container);
  const at = finding.errors.findIndex(isExcused);
  if (at === -1) return [finding];
  const errors = [...finding.errors];
  const last = errors.pop() as FieldError;
  if (at < errors.length) errors[at] = last;
  return errors.length === 0 ? [] : [{ ...finding, errors }];
}
