import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import {
  type Labels,
  addQuantities,
  aggregateText,
  annotationsOf,
  apiVersionOf,
  builtinCatalog,
  compareQuantities,
  compareVersions,
  compileGenerateNameWildcard,
  compileLabelSelector,
  compileWildcard,
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  gvkOf,
  guessResource,
  labelValueErrors,
  labelsOf,
  nameOf,
  parseApiVersion,
  parseQuantity,
  qualifiedNameErrors,
  quantityText,
  readAdmissionReview,
  readLabelSelector,
  serviceAccountOf,
  subtractQuantities,
  validateLabelSelector,
  valueAt,
} from "../src/index.ts";
import { readCases } from "./cases.ts";

suite("names equal apimachinery's", () => {
  interface NameCase {
    readonly name: string;
    readonly label: readonly string[];
    readonly subdomain: readonly string[];
    readonly dns1035: readonly string[];
    readonly qualified: readonly string[];
    readonly labelValue: readonly string[];
  }
  for (const one of readCases("names.jsonl") as readonly NameCase[])
    test(JSON.stringify(one.name.slice(0, 40)), () => {
      assert.deepEqual(dns1123LabelErrors(one.name), one.label);
      assert.deepEqual(dns1123SubdomainErrors(one.name), one.subdomain);
      assert.deepEqual(dns1035LabelErrors(one.name), one.dns1035);
      assert.deepEqual(qualifiedNameErrors(one.name), one.qualified);
      assert.deepEqual(labelValueErrors(one.name), one.labelValue);
    });
});

suite("selectors equal apimachinery's", () => {
  interface SelectorCase {
    readonly selector: unknown;
    readonly read?: string;
    readonly validate?: string;
    readonly compile?: string;
    readonly matches?: readonly boolean[];
  }
  const labels: readonly Labels[] = [{}, { a: "b" }, { a: "c" }, { a: "b", c: "d" }, { c: "d" }, { a: "" }];
  for (const one of readCases("selectors.jsonl") as readonly SelectorCase[])
    test(JSON.stringify(one.selector), () => {
      const selector = readLabelSelector(one.selector);
      if ("error" in selector) {
        assert.equal(selector.error, one.read);
        return;
      }
      assert.equal(aggregateText(validateLabelSelector(selector, "spec.labelSelector")) ?? undefined, one.validate);
      const compiled = compileLabelSelector(selector);
      if ("error" in compiled) assert.equal(compiled.error, one.compile);
      else
        assert.deepEqual(
          labels.map((set) => compiled.matches(set)),
          one.matches,
        );
    });

  test("labels of a prototype do not count", () => {
    const selector = readLabelSelector({ matchExpressions: [{ key: "constructor", operator: "Exists" }] });
    assert.ok(!("error" in selector));
    const compiled = compileLabelSelector(selector);
    assert.ok("matches" in compiled && !compiled.matches({}));
  });
});

suite("quantities equal apimachinery's", () => {
  interface QuantityCase {
    readonly text: string;
    readonly error?: string;
    readonly canonical?: string;
    readonly plus?: string;
  }
  const other = parseQuantity("1.5Mi");
  assert.ok(!("error" in other));
  for (const one of readCases("quantity.jsonl") as readonly QuantityCase[])
    test(one.text, () => {
      const quantity = parseQuantity(one.text);
      if ("error" in quantity) {
        assert.equal(quantity.error, one.error);
        return;
      }
      assert.equal(quantityText(quantity), one.canonical);
      const sum = quantityText(addQuantities(quantity, other));
      assert.equal(`${sum} ${1 + compareQuantities(quantity, other)}`, one.plus);
    });

  test("the canonical text means the same, and an enormous exponent ends", () => {
    const suffix = fc.constantFrom("", "m", "k", "M", "Ki", "Mi", "Gi", "e3", "n", "E-2");
    fc.assert(
      fc.property(fc.integer(), fc.nat(999), suffix, (whole, fraction, unit) => {
        const quantity = parseQuantity(`${whole}.${fraction}${unit}`);
        assert.ok(!("error" in quantity));
        const again = parseQuantity(quantityText(quantity));
        assert.ok(!("error" in again));
        assert.equal(compareQuantities(quantity, again), 0);
        assert.equal(quantityText(subtractQuantities(quantity, again)), "0");
      }),
    );
    assert.ok("error" in parseQuantity("1e99999999999"));
  });
});

test("Gatekeeper's globs count an asterisk only at either end", () => {
  const rows: readonly (readonly [glob: string, candidate: string, matches: boolean])[] = [
    ["kube-*", "kube-system", true],
    ["kube-*", "my-kube-system", false],
    ["*-system", "kube-system", true],
    ["*sys*", "kube-system", true],
    ["*", "", true],
    ["**", "anything", true],
    ["a*b", "axb", false],
    ["a*b", "a*b", true],
    ["", "", true],
    ["", "a", false],
  ];
  for (const [glob, candidate, matches] of rows) assert.equal(compileWildcard(glob)(candidate), matches, glob);
  assert.equal(compileGenerateNameWildcard("gen-*")("gen-"), true);
  assert.equal(compileGenerateNameWildcard("gen-")("gen-"), false);
  assert.equal(compileGenerateNameWildcard("*gen-")("gen-"), false);
  assert.equal(compileGenerateNameWildcard("*en*")("gen-"), true);
});

suite("the catalog", () => {
  const catalog = builtinCatalog();
  const resource = (group: string, version: string, kind: string) => catalog.resourceOf({ group, version, kind });

  test("knows built-in kinds, their plurals and scopes", () => {
    assert.deepEqual(resource("", "v1", "Pod"), {
      resource: { group: "", version: "v1", resource: "pods" },
      namespaced: true,
    });
    assert.equal(resource("", "v1", "Endpoints")?.resource.resource, "endpoints");
    assert.equal(resource("networking.k8s.io", "v1", "Ingress")?.resource.resource, "ingresses");
    assert.equal(resource("networking.k8s.io", "v1", "NetworkPolicy")?.resource.resource, "networkpolicies");
    assert.equal(resource("storage.k8s.io", "v1", "CSIStorageCapacity")?.resource.resource, "csistoragecapacities");
    assert.equal(resource("rbac.authorization.k8s.io", "v1", "ClusterRole")?.namespaced, false);
    assert.equal(resource("extensions", "v1beta1", "Ingress")?.namespaced, true);
    assert.equal(resource("example.com", "v1", "Widget"), null);
    assert.deepEqual(catalog.kindOf({ group: "apps", version: "v1", resource: "deployments" })?.kind, "Deployment");
    assert.deepEqual(catalog.versionsOf({ group: "autoscaling", kind: "HorizontalPodAutoscaler" }).slice(0, 2), [
      "v2",
      "v1",
    ]);
  });

  test("learns from CustomResourceDefinitions without changing", () => {
    const schema = { type: "object" };
    const crd = {
      spec: {
        group: "example.com",
        scope: "Cluster",
        names: { kind: "Proxy", plural: "proxies" },
        versions: [
          { name: "v1beta1", served: true, schema: { openAPIV3Schema: schema } },
          { name: "v1", served: true, schema: {} },
          { name: "v0", served: false },
        ],
      },
    };
    const extended = catalog.withCrd(crd);
    const kind = { group: "example.com", version: "v1beta1", kind: "Proxy" };
    assert.equal(extended.resourceOf(kind)?.resource.resource, "proxies");
    assert.equal(extended.resourceOf(kind)?.namespaced, false);
    assert.equal(extended.schemaOf(kind), schema);
    assert.deepEqual(extended.versionsOf(kind), ["v1", "v1beta1"]);
    assert.equal(catalog.resourceOf(kind), null);
    assert.equal(catalog.withCrd({ spec: {} }), catalog);
  });

  test("guesses and orders as Kubernetes does", () => {
    assert.deepEqual(["Pod", "Class", "Policy", "Endpoints"].map(guessResource), [
      "pods",
      "classes",
      "policies",
      "endpoints",
    ]);
    assert.deepEqual(["foo", "v1beta1", "v11alpha2", "v2", "v10", "v1"].toSorted(compareVersions), [
      "v10",
      "v2",
      "v1",
      "v1beta1",
      "v11alpha2",
      "foo",
    ]);
  });
});

suite("AdmissionReviews", () => {
  const request = {
    uid: "1",
    kind: { group: "", version: "v1", kind: "Pod" },
    resource: { group: "", version: "v1", resource: "pods" },
    operation: "CREATE",
    userInfo: { username: "system:serviceaccount:ns:bot", groups: ["g"] },
    object: { kind: "Pod" },
  };
  const review = (changes: object) => ({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { ...request, ...changes },
  });

  test("are read", () => {
    const read = readAdmissionReview(review({}));
    assert.ok(!("error" in read));
    assert.equal(read.kind.kind, "Pod");
    assert.equal(read.oldObject, null);
    assert.equal(read.dryRun, false);
    assert.deepEqual(serviceAccountOf(read.userInfo.username), { namespace: "ns", name: "bot" });
  });

  test("that are not say what was expected, and keep a readable uid", () => {
    const errorOf = (tree: unknown) => {
      const read = readAdmissionReview(tree);
      assert.ok("error" in read);
      return `${read.uid}: ${read.error}`;
    };
    assert.equal(errorOf([]), ": an AdmissionReview must be a JSON object, not an array");
    assert.equal(errorOf({ kind: "Pod" }), `: kind must be "AdmissionReview", not "Pod"`);
    assert.equal(errorOf({ ...review({}), request: null }), ": request must be an object, not null");
    assert.equal(
      errorOf(review({ operation: "PATCH" })),
      `1: request.operation must be CREATE, UPDATE, DELETE or CONNECT, not "PATCH"`,
    );
    assert.equal(errorOf(review({ object: 5 })), "1: request.object must be an object, not a number");
    assert.equal(errorOf(review({ kind: { group: 1 } })), "1: request.kind.group must be a string, not a number");
  });
});

test("objects are read without prototypes", () => {
  const object = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "x", labels: { a: "b" }, annotations: { a: 1 } },
  };
  assert.deepEqual(gvkOf(object), { group: "apps", version: "v1", kind: "Deployment" });
  assert.equal(nameOf(object), "x");
  assert.deepEqual(labelsOf(object), { a: "b" });
  assert.deepEqual(annotationsOf(object), {});
  assert.equal(valueAt(object, "constructor"), undefined);
  assert.equal(valueAt({ a: [{ b: 1 }] }, "a", 0, "b"), 1);
  assert.equal(parseApiVersion("a/b/c"), null);
  assert.equal(apiVersionOf({ group: "", version: "v1" }), "v1");
});
