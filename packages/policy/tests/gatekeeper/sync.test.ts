// `gator sync test`: what the annotation `requires-sync-data` means where it is written oddly, as gator 3.23.1 answered.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../src/engine/request.ts";
import { gatorSyncTest } from "../../src/gatekeeper/gator/sync.ts";

function template(requires: string, name = "t"): Json {
  return {
    apiVersion: "templates.gatekeeper.sh/v1",
    kind: "ConstraintTemplate",
    metadata: { name, annotations: { "metadata.gatekeeper.sh/requires-sync-data": requires } },
  };
}

function errorOf(...objects: readonly Json[]): string | null {
  return gatorSyncTest(objects, { omitManifest: true }).error;
}

const unmet = (text: string): string => `the following requirements were not met: \n${text}\n`;
const broken = (text: string): string => `encountered errors parsing the following templates: \n${text}\n`;

test("what follows the first list is not looked at", () => {
  assert.equal(errorOf(template("[]\n[")), null);
  assert.equal(errorOf(template('[[{"groups":[""],"versions":["v1"],"kinds":["Pod"]}]]" x')), unmet("t:\n- /v1:Pod"));
  assert.equal(errorOf(template('["]", [')), broken("t:\nunexpected EOF"));
});

test("names of fields in any case", () => {
  const requires = '[[{"Groups":["x"],"VERSIONS":["v1"],"kinds":["Pod"],"Kinds":["Job"]}]]';
  assert.equal(errorOf(template(requires)), unmet("t:\n- x/v1:Job"));
});

test("the first mistake of the text is told", () => {
  assert.equal(errorOf(template('[[{"foo":1,"groups":5}]]')), broken('t:\njson: unknown field "foo"'));
  const number = "json: cannot unmarshal number into Go struct field GVKClause.groups of type []string";
  assert.equal(errorOf(template('[[{"groups":5,"foo":1}]]')), broken(`t:\n${number}`));
});

test("templates of one name all count", () => {
  const [a, b] = ["Pod", "Job"].map((kind) => template(`[[{"groups":[""],"versions":["v1"],"kinds":["${kind}"]}]]`));
  assert.equal(errorOf(a, b), unmet("t:\n- /v1:Pod\n- /v1:Job"));
});

test("a Config is read whole", () => {
  const config = (spec: Json): Json => ({ apiVersion: "config.gatekeeper.sh/v1alpha1", kind: "Config", spec });
  const failed = 'checking: converting unstructured "" to config: adding config: json: cannot unmarshal';
  assert.equal(
    errorOf(config({ match: [{ excludedNamespaces: [5] }] })),
    `${failed} number into Go struct field MatchEntry.spec.match.excludedNamespaces of type wildcard.Wildcard`,
  );
  assert.equal(
    errorOf(config({ validation: { traces: ["x"] } })),
    `${failed} string into Go struct field Validation.spec.validation.traces of type v1alpha1.Trace`,
  );
});
