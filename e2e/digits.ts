// Objects and policies of both dialects in any number: each object has a digit, each policy objects to one digit.

/** So many digits there are, and so many policies of each dialect. */
export const digits = 25;

export function digitData(at: number): Readonly<Record<string, string>> {
  return { digit: `d${at % digits}` };
}

export function configMap(at: number): object {
  const metadata = { name: `object-${at}`, namespace: "load" };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: digitData(at) };
}

export const template = {
  apiVersion: "templates.gatekeeper.sh/v1",
  kind: "ConstraintTemplate",
  metadata: { name: "k8sdigit" },
  spec: {
    crd: {
      spec: {
        names: { kind: "K8sDigit" },
        validation: { openAPIV3Schema: { type: "object", properties: { digit: { type: "string" } } } },
      },
    },
    targets: [
      {
        target: "admission.k8s.gatekeeper.sh",
        rego: `package k8sdigit
violation[{"msg": msg}] {
  input.review.object.data.digit == input.parameters.digit
  msg := sprintf("digit %v", [input.parameters.digit])
}
`,
      },
    ],
  },
};

export function digitConstraint(digit: number): unknown {
  return {
    apiVersion: "constraints.gatekeeper.sh/v1beta1",
    kind: "K8sDigit",
    metadata: { name: `digit-${digit}` },
    spec: {
      enforcementAction: "dryrun",
      match: { kinds: [{ apiGroups: [""], kinds: ["ConfigMap"] }], namespaces: ["load"] },
      parameters: digitData(digit),
    },
  };
}

export function digitPolicy(digit: number): unknown {
  const key = "{{ request.object.data.digit || '' }}";
  const conditions = { all: [{ key, operator: "Equals", value: `d${digit}` }] };
  return kyverno(
    `digit-${digit}`,
    { kinds: ["ConfigMap"], namespaces: ["load"] },
    { message: `digit d${digit}`, deny: { conditions } },
    "Audit",
  );
}

export function kyverno(name: string, resources: object, validate: object, action: "Audit" | "Enforce"): unknown {
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name, annotations: { "pod-policies.kyverno.io/autogen-controllers": "none" } },
    spec: {
      validationFailureAction: action,
      background: action === "Audit",
      rules: [{ name: "rule", match: { any: [{ resources }] }, validate: { message: "refused", ...validate } }],
    },
  };
}
