// What `kyverno create` writes is read by the commands that it is for: Kyverno's own files are refused by its own
// commands, for want of apiVersion and kind or for fields that are gone (docs/compatibility.md, K26).

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseYaml, valueAt } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import { readPeerPolicy, evaluateCliPolicy, prepareApply } from "@portcullis/policy";
import { create } from "../../../src/cli/kyverno/create.ts";
import { run } from "../../../src/cli/kyverno/exit.ts";
import { files } from "../../../src/cli/kyverno/files.ts";
import { kyvernoTest } from "../../../src/cli/kyverno/test.ts";
import { kyvernoEvaluation } from "../../../src/cli/kyverno/world.ts";

const shown = {
  failOnly: false,
  removeColor: true,
  detailedResults: false,
  requireTests: true,
  warningsAsErrors: false,
};

/** Runs a command whose output nobody reads. */
function quietly(command: () => number): number {
  const { write } = process.stdout;
  process.stdout.write = () => true;
  try {
    return run(command);
  } finally {
    process.stdout.write = write;
  }
}

test("K26: a test, values, a user and an exception are made that are read", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-create-"));
  const at = (name: string): string => join(folder, name);
  try {
    cpSync(join(import.meta.dirname, "files"), folder, { recursive: true });
    rmSync(at("suite"), { recursive: true });
    const result = "team-label,has-team,web,shop,Pod";
    create("test", {
      policy: ["labels.yaml"],
      resource: ["objects.yaml"],
      pass: [result],
      name: "made",
      output: at("kyverno-test.yaml"),
    });
    const selector = { testCaseSelector: "policy=*,rule=*,resource=*", fileName: "kyverno-test.yaml" };
    assert.equal(
      quietly(() => kyvernoTest([folder], { ...shown, ...selector, outputFormat: "", gitBranch: "", registry: false })),
      0,
    );
    create("values", { global: ["limits.data.least=1024"], output: at("made-values.yaml") });
    create("user-info", { username: "jane", output: at("made-user.yaml") });
    const exception = {
      name: "made",
      policyRules: ["team-label,has-team"],
      any: ["kind=Pod,name=bare"],
      background: "false",
    };
    create("exception", { ...exception, output: at("made-exception.yaml") });
    const [document] = parseYaml(new Source("e", readFileSync(at("made-exception.yaml"), "utf8")), {
      dialect: "go",
    }).value;
    assert.equal(valueAt(document?.value, "spec", "background"), false);
    const input = {
      valuesFile: at("made-values.yaml"),
      userInfo: at("made-user.yaml"),
      exceptions: [at("made-exception.yaml")],
    };
    const rest = {
      targets: [],
      set: null,
      exceptionsIn: new Set<never>(),
      auditWarn: false,
      warningsAsErrors: false,
      continueOnFail: false,
    };
    const silent = { print: () => {}, warn: () => {}, stdin: () => "" };
    const given = { files, read: readPeerPolicy, evaluate: evaluateCliPolicy, evaluation: kyvernoEvaluation };
    const applying = prepareApply(
      { policies: [at("labels.yaml")], resources: [at("objects.yaml")], ...input, ...rest },
      { ...given, ...silent },
    );
    const rows = [...applying.responses()].flatMap(({ rules }) => rules.map(({ rule, status }) => `${rule} ${status}`));
    assert.deepEqual(rows.toSorted(), ["autogen-has-team fail", "has-team pass", "has-team skip"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
