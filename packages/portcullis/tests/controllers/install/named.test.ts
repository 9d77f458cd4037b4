// Which kinds a policy names before anybody has compiled it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { namedKindsOf } from "../../../src/controllers/install/named.ts";

test("constraints by their match, Kyverno's rules by their kinds; what matches anything names nothing", () => {
  const constraint = (kinds: unknown): unknown => ({
    apiVersion: "constraints.gatekeeper.sh/v1beta1",
    kind: "K",
    spec: { match: { kinds } },
  });
  assert.deepEqual(namedKindsOf(constraint([{ apiGroups: ["", "apps"], kinds: ["Secret", "*"] }])), [
    "/Secret",
    "apps/Secret",
  ]);
  assert.deepEqual(namedKindsOf(constraint(undefined)), []);
  const policy = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    spec: {
      rules: [
        { match: { any: [{ resources: { kinds: ["Secret", "apps/v1/Deployment/scale", "*"] } }] } },
        { match: { resources: { kinds: ["v1/ConfigMap", "batch/*/Job", "*/*", "Po?"] } } },
      ],
    },
  };
  assert.deepEqual(namedKindsOf(policy), ["*/ConfigMap", "*/Secret", "apps/Deployment", "batch/Job"]);
  assert.deepEqual(namedKindsOf({ apiVersion: "v1", kind: "Pod" }), []);
});
