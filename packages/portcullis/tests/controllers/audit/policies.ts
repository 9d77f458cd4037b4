// Policies of the audit's tests: a template on labels with its constraints, and a Kyverno policy on another label.

export const template = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: k8slabel}
spec:
  crd:
    spec:
      names: {kind: K8sLabel}
      validation: {openAPIV3Schema: {type: object, properties: {label: {type: string}}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package k8slabel
      violation[{"msg": msg, "details": {"label": input.parameters.label}}] {
        not input.review.object.metadata.labels[input.parameters.label]
        msg := sprintf("<%v> has no label %v", [input.review.object.metadata.name, input.parameters.label])
      }
---
`;

export const constraint = (
  name: string,
  label: string,
  more = "",
): string => `apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sLabel
metadata: {name: ${name}}
spec: {match: {kinds: [{apiGroups: [""], kinds: [Pod]}]${more}}, parameters: {label: ${label}}}
---
`;

export const clusterPolicy = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: tier
  annotations: {policies.kyverno.io/severity: high, policies.kyverno.io/category: Test}
spec:
  background: true
  rules:
  - name: has-tier
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      message: every Pod has a tier
      pattern: {metadata: {labels: {tier: "?*"}}}
---
`;
