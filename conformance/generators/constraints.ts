// Constraints made from a template and a seed: parameters that fit its schema, a match with any of its criteria, any
// enforcement action.

import { type Random, chance, generateValue, pick } from "./schema.ts";

type Tree = Record<string, unknown>;

export interface TemplateShape {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly crd: {
      readonly spec: {
        readonly names: { readonly kind: string };
        readonly validation?: { readonly openAPIV3Schema?: Tree };
      };
    };
  };
}

/** A constraint of the template; `index` makes its name unique. */
export function generateConstraint(random: Random, template: TemplateShape, index: number): Tree {
  const { names, validation } = template.spec.crd.spec;
  return {
    apiVersion: "constraints.gatekeeper.sh/v1beta1",
    kind: names.kind,
    metadata: { name: `c-${index}` },
    spec: {
      ...(chance(random, 0.5) && enforcement(random)),
      ...(chance(random, 0.8) && { match: match(random) }),
      ...(validation?.openAPIV3Schema !== undefined &&
        chance(random, 0.9) && {
          parameters: generateValue(random, { type: "object", ...validation.openAPIV3Schema }),
        }),
    },
  };
}

function enforcement(random: Random): Tree {
  const enforcementAction = pick(random, ["deny", "warn", "dryrun", "scoped"]);
  if (enforcementAction !== "scoped") return { enforcementAction };
  const point = pick(random, ["*", "gator.gatekeeper.sh", "audit.gatekeeper.sh", "validation.gatekeeper.sh"]);
  return {
    enforcementAction,
    scopedEnforcementActions: [
      { action: pick(random, ["deny", "warn", "dryrun"]), enforcementPoints: [{ name: point }] },
    ],
  };
}

function match(random: Random): Tree {
  return {
    ...(chance(random, 0.5) && {
      kinds: [
        {
          apiGroups: [pick(random, ["", "*", "apps"])],
          kinds: [pick(random, ["Pod", "*", "Deployment", "Service", "Namespace"])],
        },
      ],
    }),
    ...(chance(random, 0.2) && { scope: pick(random, ["*", "Namespaced", "Cluster"]) }),
    ...(chance(random, 0.2) && { namespaces: [pick(random, ["team-a", "team-*", "*-system", "*web*", "default"])] }),
    ...(chance(random, 0.2) && { excludedNamespaces: [pick(random, ["kube-*", "team-b", "*prod*"])] }),
    ...(chance(random, 0.1) && { name: pick(random, ["obj-*", "obj-1", "*-2"]) }),
    ...(chance(random, 0.2) && { labelSelector: selector(random) }),
    ...(chance(random, 0.15) && { namespaceSelector: selector(random) }),
  };
}

function selector(random: Random): Tree {
  const key = pick(random, ["app", "owner", "env"]);
  return pick<Tree>(random, [
    { matchLabels: { [key]: "nginx" } },
    { matchExpressions: [{ key, operator: "Exists" }] },
    { matchExpressions: [{ key, operator: "NotIn", values: ["me", "default"] }] },
    { matchExpressions: [{ key, operator: "DoesNotExist" }] },
    { matchExpressions: [{ key, operator: "In", values: ["nginx", "latest"] }] },
  ]);
}
