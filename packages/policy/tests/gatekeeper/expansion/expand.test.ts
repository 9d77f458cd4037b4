// Expansion: what gator 3.23.1's `expand` answered to each case, in cases.jsonl, and what the webhook does with what an
// object will make.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { valueAt } from "@portcullis/kube";
import { parseJson } from "@portcullis/lang";
import { canonicalJson } from "../../../src/engine/digest.ts";
import type { Json } from "../../../src/engine/request.ts";
import { gatorExpand } from "../../../src/gatekeeper/gator/expand.ts";
import { gatorOptions } from "../load.ts";

interface ExpansionCase {
  readonly name: string;
  readonly objects: readonly Json[];
  readonly want: { readonly objects?: readonly Json[]; readonly error?: string };
}

const cases = readFileSync(new URL("cases.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => parseJson(line) as ExpansionCase);

const ids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

suite("expansion as gator's", () => {
  for (const { name, objects, want } of cases) {
    test(name, () => {
      const got = gatorExpand(objects, gatorOptions);
      const error = "error" in got ? got.error.replaceAll(ids, "00000000-0000-0000-0000-000000000000") : undefined;
      assert.equal(error, want.error);
      if ("objects" in got) assert.equal(canonicalJson(got.objects), canonicalJson(want.objects ?? []));
    });
  }
});

/** What `gator expand` makes of a Deployment whose Pod's image a provider is asked for; nobody answers. */
function expandWithProvider(parameters: object): ReturnType<typeof gatorExpand> {
  const metadata = { name: "x" };
  const objects: readonly Json[] = [
    {
      apiVersion: "expansion.gatekeeper.sh/v1beta1",
      kind: "ExpansionTemplate",
      metadata,
      spec: {
        applyTo: [{ groups: ["apps"], kinds: ["Deployment"], versions: ["v1"] }],
        templateSource: "spec.template",
        generatedGVK: { group: "", version: "v1", kind: "Pod" },
      },
    },
    {
      apiVersion: "mutations.gatekeeper.sh/v1",
      kind: "Assign",
      metadata,
      spec: {
        applyTo: [{ groups: [""], kinds: ["Pod"], versions: ["v1"] }],
        location: "spec.containers[name: *].image",
        parameters: { assign: { externalData: { provider: "images", ...parameters } } },
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace: "default" },
      spec: { template: { spec: { containers: [{ name: "a", image: "nginx" }] } } },
    },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } },
  ];
  return gatorExpand(objects, gatorOptions);
}

function imagesOf(result: ReturnType<typeof gatorExpand>): Json {
  if ("error" in result) return result.error;
  const containers: unknown = valueAt(result.objects[0], "spec", "containers");
  return Array.isArray(containers) ? containers.map((container: Json) => valueAt(container, "image")) : null;
}

suite("M11: a provider that cannot be asked", () => {
  test("fails where the mutator says so, as gator does for every failure policy", () => {
    const result = expandWithProvider({ failurePolicy: "Fail" });
    assert.ok("error" in result);
    assert.match(
      result.error,
      /^error expanding resource web: failed to mutate resultant resource web-pod: failed to resolve external data placeholders: failed to send external data request to provider images: /,
    );
  });

  test("leaves the value where failures are ignored", () => {
    assert.deepEqual(imagesOf(expandWithProvider({ failurePolicy: "Ignore" })), ["nginx"]);
  });

  test("gives the default where there is one", () => {
    assert.deepEqual(imagesOf(expandWithProvider({ failurePolicy: "UseDefault", default: "pause" })), ["pause"]);
  });
});
