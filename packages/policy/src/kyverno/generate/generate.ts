// What a generate rule wants to exist for its trigger: data with variables resolved, a copy of another object, or copies of
// all objects of some kinds. They come out as one effect of the owner (policy, rule, trigger), which controllers make so;
// copies stay references, so that they follow what they are copies of. With lists there is one thing for each element;
// what goes wrong with one leaves the others, and then nothing that was made before is removed.
// Kyverno: pkg/background/generate/{generator,data,clone}.go.

import { GoInteger } from "@portcullis/jmespath/kyverno";
import {
  apiVersionOf,
  goJson,
  gvkOf,
  isObject,
  nameOf,
  namespaceOf,
  parseApiVersion,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import type { Effect, Wanted } from "../../engine/outcome.ts";
import type { Gvk, Json } from "../../engine/request.ts";
import { checkConditions } from "../condition/conditions.ts";
import { addEntries } from "../context/entries.ts";
import { jsonKind } from "../decode.ts";
import { Failure, failureOf, prefixing } from "../failure.ts";
import { listOf } from "../match/filter.ts";
import type { RuleRun } from "../rulerun.ts";
import type { Template } from "../template.ts";
import type { CompiledGenerate, GenerateEach } from "./compile.ts";
import { type Identity, type PolicyOwner, objectFrom, ownerLabels } from "./labels.ts";

export interface Generated {
  readonly effects: readonly Effect[];
  /** What went wrong, with Kyverno's text; null when nothing did. */
  readonly problem: string | null;
}

/** Runs a rule whose trigger matches and whose preconditions hold. Throws Suspend, LimitError. */
export function generateFor(run: RuleRun, generate: CompiledGenerate, trigger: Json): Generated {
  const owner: Owner = { run, labels: ownerLabels(policyOwner(run), run.rule.name, trigger) };
  const problems: string[] = [];
  const wanted: Wanted[] = [];
  if (generate.pattern === null) {
    for (const [index, each] of generate.foreach.entries()) generateEach(owner, { each, index, wanted, problems });
  } else {
    try {
      wanted.push(...wantedFrom(owner, generate.pattern));
    } catch (error) {
      problems.push(failureOf(error).message);
    }
  }
  const problem = problems.length === 0 ? null : problems.join("; ");
  if (problem !== null && wanted.length === 0) return { effects: [], problem };
  const effect = ensured(run, generate, trigger);
  return { effects: [{ ...effect, objects: wanted, ...(problem === null ? {} : { partial: true }) }], problem };
}

/** The effect of a trigger that is gone or no longer matches: its owner wants nothing. */
export function nothingFor(
  run: Pick<RuleRun, "policy" | "rule">,
  generate: CompiledGenerate,
  trigger: Json,
): readonly Effect[] {
  return generate.synchronize ? [ensured(run, generate, trigger)] : [];
}

function ensured(
  run: Pick<RuleRun, "policy" | "rule">,
  { synchronize, applies, orphan }: CompiledGenerate,
  trigger: Json,
): Extract<Effect, { kind: "ensure" }> {
  return {
    kind: "ensure",
    owner: ownerOf(run, trigger),
    objects: [],
    synchronize,
    apply: applies,
    ...(orphan ? { orphan } : {}),
  };
}

/** Who owns an effect: the policy, its rule, and the object that triggered it. */
export function ownerOf({ policy, rule }: Pick<RuleRun, "policy" | "rule">, trigger: Json): string {
  const { kind, namespace, name } = policyOwner({ policy });
  const gvk = gvkOf(trigger);
  const triggered = `${apiVersionOf(gvk)}/${gvk.kind}/${namespaceOf(trigger)}/${nameOf(trigger)}`;
  return `${kind}/${namespace}/${name}/${rule.name}/${triggered}`;
}

function policyOwner({ policy }: Pick<RuleRun, "policy">): PolicyOwner {
  return { kind: policy.kind, namespace: policy.kind === "Policy" ? policy.namespace : "", name: policy.name };
}

// ── lists

interface Owner {
  readonly run: RuleRun;
  readonly labels: Readonly<Record<string, string>>;
}

interface Loop {
  readonly each: GenerateEach;
  readonly index: number;
  readonly wanted: Wanted[];
  readonly problems: string[];
}

function generateEach(owner: Owner, { each, index, wanted, problems }: Loop): void {
  const { scope, rule } = owner.run;
  let elements: readonly Json[];
  try {
    const value = scope.query(each.list);
    elements = Array.isArray(value) ? value : [value];
  } catch (error) {
    problems.push(`failed to evaluate ${index} foreach list: ${failureOf(error).message}`);
    return;
  }
  const failed: string[] = [];
  scope.within(() => {
    for (const [at, element] of elements.entries()) {
      if (element === null || element === undefined) continue;
      scope.evaluation.budget.step();
      scope.reset();
      scope.setElement(element, new GoInteger(at), 0);
      try {
        wanted.push(...elementWanted(owner, each));
      } catch (error) {
        failed.push(`failed to process ${at} element: ${failureOf(error).message}`);
      }
    }
  });
  if (failed.length > 0) problems.push(`failed to process ${index} foreach in rule ${rule.name}: ${failed.join("; ")}`);
}

function elementWanted(owner: Owner, { context, preconditions, pattern }: GenerateEach): readonly Wanted[] {
  const { scope, settings } = owner.run;
  prefixing("failed to load context", () => addEntries(scope, context, settings.given?.leavesOut ?? new Set()));
  const { met } = prefixing("failed to evaluate preconditions", () => checkConditions(preconditions, scope));
  return met ? wantedFrom(owner, pattern) : [];
}

// ── what is wanted

function wantedFrom({ run, labels }: Owner, pattern: Template): readonly Wanted[] {
  const tree = pattern.evaluate(run.scope);
  const identity: Identity = {
    apiVersion: textAt(tree, "apiVersion"),
    kind: textAt(tree, "kind"),
    namespace: textAt(tree, "namespace"),
    name: textAt(tree, "name"),
  };
  const kinds = listOf(valueAt(tree, "cloneList"), "kinds");
  refuseOtherNamespaces(tree, identity.namespace, run);
  if (stringAt(tree, "clone", "name") !== "") return cloned(tree, identity, labels);
  if (kinds.length > 0) return clonedAll(tree, identity.namespace, labels);
  const data = valueAt(tree, "data");
  if (data !== undefined && data !== null && !isObject(data)) {
    throw new Failure(`json: cannot unmarshal ${jsonKind(data)} into Go value of type map[string]interface {}`);
  }
  return [{ data: objectFrom(data, identity, labels) }];
}

/** A variable alone may come to something else than a text: such a rule makes nothing. Throws Failure. */
function textAt(tree: Json, field: string): string {
  const value = valueAt(tree, field) ?? "";
  if (typeof value === "string") return value;
  throw new Failure(`the ${field} of what is generated is no text but ${goJson(value)}`);
}

/** A copy onto itself is none. */
function cloned(tree: Json, identity: Identity, labels: Owner["labels"]): readonly Wanted[] {
  const namespace = stringAt(tree, "clone", "namespace");
  const name = stringAt(tree, "clone", "name");
  if (namespace === identity.namespace && name === identity.name) return [];
  const gvk = { ...(parseApiVersion(identity.apiVersion) ?? { group: "", version: "" }), kind: identity.kind };
  const as = { namespace: identity.namespace, name: identity.name, labels };
  return [{ clone: { ...gvk, namespace, name }, as }];
}

function clonedAll(tree: Json, target: string, labels: Owner["labels"]): readonly Wanted[] {
  const namespace = stringAt(tree, "cloneList", "namespace");
  if (namespace === target) return [];
  const kinds = listOf(valueAt(tree, "cloneList"), "kinds").map((kind) =>
    kindFrom(typeof kind === "string" ? kind : ""),
  );
  const selector = valueAt(tree, "cloneList", "selector") ?? null;
  return [{ cloneAll: { kinds, namespace, selector }, as: { namespace: target, name: "", labels } }];
}

/** `v1/Secret`, `apps/v1/Deployment`; a kind alone is of any version. */
function kindFrom(text: string): Gvk {
  const at = text.lastIndexOf("/");
  const groupVersion = at === -1 ? null : parseApiVersion(text.slice(0, at));
  return { ...(groupVersion ?? { group: "", version: "" }), kind: text.slice(at + 1) };
}

/** A namespaced policy makes things in its namespace only, from what is there, whatever its variables come to. */
function refuseOtherNamespaces(tree: Json, target: string, { scope }: RuleRun): void {
  const own = scope.policyNamespace;
  if (own === "") return;
  const expected = (namespace: string): string => `expected: ${own}, received: ${namespace}`;
  if (target !== own) {
    throw new Failure(`a namespaced policy cannot generate resources in other namespaces, ${expected(target)}`);
  }
  for (const field of ["clone", "cloneList"]) {
    const given = valueAt(tree, field);
    const source = stringAt(given, "namespace");
    if (isObject(given) && source !== own) {
      throw new Failure(`a namespaced policy cannot clone resources from other namespaces, ${expected(source)}`);
    }
  }
}
