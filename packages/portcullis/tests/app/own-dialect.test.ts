// What one peer's settings leave alone, the other's policies look at all the same: Gatekeeper's Config says nothing to Kyverno's
// policies, Kyverno's filters say nothing to constraints.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asker, objectOf } from "./asker.ts";

const both = `
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: { name: never }
spec:
  crd: { spec: { names: { kind: Never } } }
  targets: [{ target: admission.k8s.gatekeeper.sh, rego: 'package never violation[{"msg": "by a constraint"}] { true }' }]
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Never
metadata: { name: never }
spec: { match: { kinds: [{ apiGroups: [""], kinds: ["ConfigMap"] }] } }
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: { name: never }
spec:
  rules:
    - name: never
      match: { any: [{ resources: { kinds: [ConfigMap] } }] }
      validate: { failureAction: Enforce, message: by a rule, deny: {} }
`;
const config = `
apiVersion: config.gatekeeper.sh/v1alpha1
kind: Config
metadata: { name: config, namespace: gatekeeper-system }
spec: { match: [{ excludedNamespaces: [quiet], processes: ["*"] }] }
`;
const filters = `
apiVersion: v1
kind: ConfigMap
metadata: { name: kyverno, namespace: kyverno }
data: { resourceFilters: "[ConfigMap,quiet,*]" }
`;
const settings = objectOf("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: quiet }");

function said(...more: readonly string[]): string {
  const { allowed, status } = asker([both, ...more].join("---")).ask("/v1/admit", settings);
  return allowed ? "allowed" : String(status?.["message"]);
}

test("each dialect's settings are its own", () => {
  assert.match(said(), /\[never\] by a constraint[\s\S]*by a rule/);
  assert.match(said(config), /by a rule/);
  assert.doesNotMatch(said(config), /by a constraint/);
  assert.match(said(filters), /\[never\] by a constraint/);
  assert.doesNotMatch(said(filters), /by a rule/);
  assert.equal(said(config, filters), "allowed");
});
