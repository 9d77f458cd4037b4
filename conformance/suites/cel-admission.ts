// Policies of one validation each, as kube-apiserver's own validator decides them: verdicts, messages and annotations, with
// the problems of expressions that do not compile, in the versions of cel-go of kube-apiserver and of Gatekeeper.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Dialect, type Tree, type Value, kubernetes136, kubernetesOnCelGo30 } from "@portcullis/cel";
import {
  type AdmissionExpressions,
  type AdmissionInput,
  type AdmissionResult,
  type Authorize,
  authorizerOf,
  compileAdmission,
  resourceAuthorizerOf,
} from "@portcullis/cel/kubernetes";
import { parseJson } from "@portcullis/lang";
import type { ConformanceCase, ConformanceSuite } from "../suite.ts";
import { unlimited } from "../world.ts";

interface Probe {
  readonly Expr: string;
  readonly Msg?: string;
  readonly Match?: string;
  readonly Audit?: string;
  readonly Vars?: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly Object?: string;
  readonly Old?: string;
  readonly Params?: string;
  readonly HasParams?: boolean;
  readonly Op?: string;
  /** The object is in no namespace. */
  readonly Cluster?: boolean;
  readonly "celgo0.26_apiserver1.36": readonly string[];
  readonly "celgo0.30_gator_kyverno": readonly string[];
}

export const celAdmission: ConformanceSuite = {
  name: "cel-admission",
  needs: "cel",
  load: (dataDir) => {
    const probes = JSON.parse(readFileSync(join(dataDir, "cel/cel-vap-probes.json"), "utf8")) as readonly Probe[];
    return probes.flatMap((probe, at) => [
      caseOf(`kubernetes-1.36/${at}`, probe, kubernetes136, probe["celgo0.26_apiserver1.36"]),
      caseOf(`cel-go-0.30/${at}`, probe, kubernetesOnCelGo30, probe["celgo0.30_gator_kyverno"]),
    ]);
  },
};

function caseOf(id: string, probe: Probe, dialect: Dialect, expected: readonly string[]): ConformanceCase {
  return {
    id,
    run: () => {
      assert.deepEqual(linesOf(probe, dialect), wantedLines(expected), probe.Expr);
    },
  };
}

/** One line for each answer, without where in the policy an expression stands. Some messages were written down in pieces. */
function wantedLines(expected: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const line of expected) {
    if (/^(?:COMPILE:|->|audit) /.test(line)) lines.push(line.replace(/^(COMPILE:) [^:]*: /, "$1 "));
    else lines.push(`${lines.pop() ?? ""}\\n ${line}`);
  }
  return lines;
}

function linesOf(probe: Probe, dialect: Dialect): readonly string[] {
  const compiled = compileAdmission(expressionsOf(probe), {
    dialect,
    hasParams: probe.HasParams === true,
    conditionsReadVariables: true,
  });
  const problems = compiled.problems.map(({ message }) => `COMPILE: ${message}`);
  return [...problems, ...resultLines(compiled.evaluate(inputOf(probe)))].map((line) => line.replaceAll("\n", "\\n"));
}

function resultLines(result: AdmissionResult): readonly string[] {
  if (!result.matches) return ["-> no decisions (skipped)"];
  if (result.error !== null) return [`-> deny/error reason= msg=${result.error}`];
  const validations = result.validations.map(
    ({ outcome, message, reason }) =>
      `-> ${outcome === "admit" ? "admit" : "deny"}/${outcome} reason=${reason} msg=${message}`,
  );
  const annotations = result.annotations.map(({ key, outcome, text }) => {
    const [shown, error] = outcome === "error" ? ["", text] : [text, ""];
    return `audit ${outcome} ${key}=${JSON.stringify(shown)} err=${error}`;
  });
  return [...validations, ...annotations];
}

function expressionsOf({ Expr, Msg = "", Match, Audit, Vars = {} }: Probe): AdmissionExpressions {
  return {
    matchConditions: Match === undefined ? [] : [{ name: "m", expression: Match }],
    variables: Object.entries(Vars).map(([name, expression]) => ({ name, expression })),
    validations: [{ expression: Expr, message: "", messageExpression: Msg, reason: "" }],
    auditAnnotations: Audit === undefined ? [] : [{ key: "k", valueExpression: Audit }],
  };
}

const user = { username: "alice", uid: "", groups: ["dev"], extra: { x: ["y"] } };

/** Everybody may `use`, and nothing else. */
const authorize: Authorize = ({ verb }) => ({ allowed: verb === "use", reason: "", error: "" });

const resource = { group: "apps", resource: "deployments", subresource: "", namespace: "shop", name: "checkout" };
const kind: Tree = { group: "apps", version: "v1", kind: "Deployment" };
const gvr: Tree = { group: "apps", version: "v1", resource: "deployments" };

function inputOf(probe: Probe): AdmissionInput {
  return {
    object: read(probe.Object),
    oldObject: read(probe.Old),
    params: read(probe.Params),
    request: {
      kind,
      resource: gvr,
      requestKind: kind,
      requestResource: gvr,
      name: "checkout",
      namespace: "shop",
      operation: probe.Op ?? "CREATE",
      userInfo: { username: user.username, groups: user.groups, extra: user.extra },
      dryRun: false,
      options: {},
    },
    namespaceObject:
      probe.Cluster === true ? null : { metadata: { name: "shop", labels: { env: "prod" } }, spec: {}, status: {} },
    authorizer: authorizerOf(user, authorize),
    requestResource: resourceAuthorizerOf(user, authorize, resource),
    budget: unlimited(),
  };
}

function read(text: string | undefined): Value {
  return text === undefined ? null : (parseJson(text) as Value);
}
