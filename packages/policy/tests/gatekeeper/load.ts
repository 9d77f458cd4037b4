// What Gatekeeper's tests have in common: Node's loader, a world without a cluster, YAML texts as objects with places.

import vm from "node:vm";
import { type Document, parseYaml } from "@portcullis/kube";
import { Budget, Source, type World } from "@portcullis/lang";
import type { Load } from "@portcullis/rego";
import { createEngine } from "../../src/engine/engine.ts";
import type { Locate, Profile } from "../../src/engine/frontend.ts";
import type { PolicySet, PolicySource } from "../../src/engine/policyset.ts";
import { gatekeeperFrontend } from "../../src/gatekeeper/frontend.ts";
import type { GatorOptions } from "../../src/gatekeeper/gator/policies.ts";
import { noCatalog, worldWith } from "../engine/world.ts";

const load: Load = (code, parameters) =>
  vm.compileFunction(code, [...parameters]) as (...args: readonly unknown[]) => unknown;

const worldBase: Omit<World, "ask"> = worldWith();

function budget(): Budget {
  return new Budget({}, () => 0);
}

export const gatorOptions: GatorOptions = { load, world: worldBase, budget };

/** All objects of a YAML text. */
export function objectsIn(text: string, file = "test.yaml"): readonly PolicySource[] {
  const { value, diagnostics } = parseYaml(new Source(file, text), { dialect: "go" });
  if (diagnostics.length > 0) throw new Error(diagnostics.map((one) => one.message).join("\n"));
  return value
    .filter((document) => document.value !== null)
    .map((document) => ({ object: document.value, file, locate: locateIn(document) }));
}

function locateIn(document: Document): Locate {
  return (path, within) => {
    const origin = within === undefined ? null : document.scalarOrigin([...path]);
    if (origin === null || within === undefined) return document.positionOf([...path]);
    const { source } = origin.span;
    return { source, start: origin.offsetOf(within.start), end: origin.offsetOf(within.end) };
  };
}

export function policySet(text: string, profile: Profile = "cluster"): PolicySet {
  const engine = createEngine({ frontends: [gatekeeperFrontend({ load })], catalog: noCatalog, profile });
  return engine.policySet(objectsIn(text));
}

/** A template of a kind with Rego, whose parameters may be anything. */
export function template(kind: string, rego: string, more = ""): string {
  return `---
apiVersion: templates.gatekeeper.sh/v1beta1
kind: ConstraintTemplate
metadata: {name: ${kind.toLowerCase()}}
spec:
  crd: {spec: {names: {kind: ${kind}}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
${rego.replaceAll(/^/gm, "      ")}
${more === "" ? "" : `${more}\n`}`;
}

export function constraint(kind: string, name: string, spec = "{}"): string {
  return `---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: ${kind}
metadata: {name: ${name}}
spec: ${spec}
`;
}
