import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { type JsonRecord, definitionErrors, isObject, parseYaml, readSchema, re2Patterns } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import { ownDefinitions } from "../../../src/controllers/install/crds/own.ts";

interface Version {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly schema: { readonly openAPIV3Schema: JsonRecord };
  readonly subresources?: JsonRecord;
  readonly additionalPrinterColumns?: readonly JsonRecord[];
}

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: JsonRecord;
    readonly versions: readonly Version[];
  };
}

const definitions = ownDefinitions() as unknown as readonly Definition[];

test("every definition has structural schemas that an API server takes, and one stored version", () => {
  for (const { metadata, spec } of definitions) {
    assert.equal(spec.versions.filter(({ storage }) => storage).length, 1, metadata.name);
    for (const { name, schema, subresources } of spec.versions) {
      const read = readSchema(schema.openAPIV3Schema);
      assert.ok(!("error" in read), `${metadata.name} ${name}: ${"error" in read ? read.error : ""}`);
      const errors = definitionErrors(read, "schema", {
        statusSubresource: subresources !== undefined,
        patterns: re2Patterns,
      });
      assert.deepEqual(errors, [], `${metadata.name} ${name}`);
    }
  }
});

test("what stays is not called deprecated", () => {
  const deprecated = definitions.flatMap(({ metadata, spec }) =>
    spec.versions.filter((version) => version.deprecated === true).map(({ name }) => `${metadata.name} ${name}`),
  );
  assert.deepEqual(deprecated, [
    "deletingpolicies.policies.kyverno.io v1alpha1",
    "generatingpolicies.policies.kyverno.io v1alpha1",
    "globalcontextentries.kyverno.io v2alpha1",
    "imagevalidatingpolicies.policies.kyverno.io v1alpha1",
    "mutatingpolicies.policies.kyverno.io v1alpha1",
    "policyexceptions.policies.kyverno.io v1alpha1",
    "providers.externaldata.gatekeeper.sh v1alpha1",
    "updaterequests.kyverno.io v1beta1",
    "validatingpolicies.policies.kyverno.io v1alpha1",
  ]);
});

const data = resolve(
  process.env["CONFORMANCE_DIR"] ?? join(import.meta.dirname, "../../../../../../shared/conformance"),
);
const absent = existsSync(data) ? false : `no conformance data in ${data}`;
if (absent !== false) process.stderr.write(`NOT RUN: the peers' definitions: ${absent}\n`);

test("names, scopes, versions, subresources, columns and defaults are the peers'", { skip: absent }, () => {
  const own = new Map(definitions.map((definition) => [definition.metadata.name, definition]));
  const peers = globSync(["gatekeeper/charts/gatekeeper/crds/*.yaml", "kyverno/config/crds/**/*.yaml"], { cwd: data });
  assert.ok(peers.length > 30);
  for (const file of peers) {
    const text = readFileSync(join(data, file), "utf8");
    for (const { value } of parseYaml(new Source(file, text), { dialect: "go" }).value) {
      if (!isObject(value)) continue;
      const theirs = value as unknown as Definition;
      const ours = own.get(theirs.metadata.name);
      assert.ok(ours !== undefined, theirs.metadata.name);
      assert.deepEqual(facts(ours), facts(theirs), theirs.metadata.name);
    }
  }
});

/** Kyverno's queue is not ours, and what is left open has no defaults. */
const deepDefaults = /signatureAlgorithm|interpolate|PullSecrets/;

function facts({ spec }: Definition): unknown {
  const isQueue = spec.names["kind"] === "UpdateRequest";
  const versions = spec.versions.map(({ name, served, storage, schema, subresources, ...rest }) => ({
    name,
    served,
    storage,
    subresources: Object.keys(subresources ?? {}),
    columns: isQueue ? [] : columnsOf(rest.additionalPrinterColumns),
    defaults: defaultsOf(schema.openAPIV3Schema)
      .filter((text) => !text.startsWith(".status") && !deepDefaults.test(text))
      .toSorted(),
  }));
  return { scope: spec.scope, names: spec.names, versions: versions.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
}

function columnsOf(columns: readonly JsonRecord[] = []): readonly string[] {
  return columns.map(({ name, type, jsonPath, priority = 0 }) => [name, type, jsonPath, priority].join(" ")).toSorted();
}

function defaultsOf(schema: unknown, path = ""): readonly string[] {
  if (!isObject(schema)) return [];
  const { default: own, properties, items } = schema;
  return [
    ...(own === undefined ? [] : [`${path} ${JSON.stringify(own)}`]),
    ...(isObject(properties) ? Object.entries(properties) : []).flatMap(([key, inner]) =>
      defaultsOf(inner, `${path}.${key}`),
    ),
    ...defaultsOf(items, `${path}[]`),
  ];
}
