// The conformance cases of the CEL specification, with what cel-go answers to each in the environment of Kubernetes 1.36
// and in the same one on cel-go 0.30. Equal means equal to the program, also where it does not follow the specification:
// the phase that refuses, the type, the value, and, where cel-go's own is always the same, the cost.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  CelError,
  type Dialect,
  type Environment,
  type Overload,
  compile,
  createEnvironment,
  kubernetes136,
  kubernetesOnCelGo30,
  typeText,
} from "@portcullis/cel";
import { kubernetesLibraries } from "@portcullis/cel/kubernetes";
import type { ConformanceCase, ConformanceSuite } from "../suite.ts";
import { unlimited, zoneOffset } from "../world.ts";
import {
  type ExprType,
  type ExprValue,
  showExpected,
  showValue,
  typeOfDeclaration,
  valueOfExpected,
} from "./celvalues.ts";

interface Recorded {
  readonly file: string;
  readonly section: string;
  readonly name: string;
  readonly expr: string;
  readonly container?: string;
  readonly disableCheck?: true;
  readonly checkOnly?: true;
  readonly typeEnv?: readonly Declaration[];
  readonly bindings?: Readonly<Record<string, { readonly value: ExprValue }>>;
  readonly value?: ExprValue;
  readonly evalError?: unknown;
  readonly k8s136: Answer;
  readonly k8sEnv_celgo030: Status;
}

type Status = "pass" | "parse" | "check" | "program" | "evalerr" | "bind" | "diff";

interface Declaration {
  readonly name: string;
  readonly ident?: { readonly type: ExprType };
  readonly function?: { readonly overloads: readonly DeclaredOverload[] };
}

interface DeclaredOverload {
  readonly overloadId: string;
  readonly params: readonly ExprType[];
  readonly resultType: ExprType;
}

interface Answer {
  readonly status: Status;
  readonly type?: string;
  readonly cost?: number;
  readonly detail?: string;
  readonly value?: string;
}

export const cel: ConformanceSuite = {
  name: "cel",
  needs: "cel",
  load: (dataDir) => {
    const cases = JSON.parse(readFileSync(join(dataDir, "cel/cel-conformance.json"), "utf8")) as readonly Recorded[];
    return cases.flatMap((one) => [
      caseOf(one, "kubernetes-1.36", kubernetes136, one.k8s136),
      caseOf(one, "cel-go-0.30", kubernetesOnCelGo30, { status: one.k8sEnv_celgo030 }),
    ]);
  },
};

function caseOf(recorded: Recorded, name: string, dialect: Dialect, answer: Answer): ConformanceCase {
  const { file, section } = recorded;
  return {
    id: `${name}/${file}/${section}/${recorded.name}`,
    run: () => {
      check(recorded, dialect, answer);
    },
  };
}

function check(recorded: Recorded, dialect: Dialect, answer: Answer): void {
  const { expr } = recorded;
  const compiled = compile(expr, environmentOf(recorded, dialect));
  if ("refusal" in compiled) {
    const { stage, message } = compiled.refusal;
    assert.equal(stage, answer.status, message);
    if (answer.detail !== undefined) assert.equal(comparable(message), comparable(answer.detail));
    return;
  }
  const { program } = compiled;
  assert.ok(!["parse", "check", "program"].includes(answer.status), `${expr} compiles; expected: ${answer.detail}`);
  if (answer.type !== undefined) assert.equal(typeText(program.result), answer.type);
  if (recorded.checkOnly === true) return;
  const { value, cost } = program.evaluate({
    read: (name) => {
      const bound = recorded.bindings?.[name];
      return bound === undefined ? undefined : valueOfExpected(bound.value);
    },
    budget: unlimited(),
    costMax,
    zoneOffset,
  });
  const shown = showValue(value);
  if (answer.status === "pass") {
    const expected =
      recorded.value === undefined && recorded.evalError === undefined ? { boolValue: true } : recorded.value;
    assert.equal(
      shown.startsWith("error: ") ? "error" : shown,
      expected === undefined ? "error" : showExpected(expected),
      shown,
    );
  }
  if (answer.cost !== undefined) assert.equal(cost, answer.cost, `cost of ${expr}`);
}

/** Recorded texts are cut. */
function comparable(text: string): string {
  return text.slice(0, 200);
}

/** Functions that a case only declares: its types are what counts. */
function overloadsOf({ name, function: declared }: Declaration): readonly Overload[] {
  return (declared?.overloads ?? []).map(({ overloadId, params, resultType }) => ({
    id: overloadId,
    function: name,
    member: false,
    parameters: params.map(typeOfDeclaration),
    result: typeOfDeclaration(resultType),
    run: () => new CelError(`${name} is only declared`),
  }));
}

/** Of one expression in Kubernetes. */
const costMax = 1_000_000;

function environmentOf({ typeEnv, container }: Recorded, dialect: Dialect): Environment {
  const variables = (typeEnv ?? []).flatMap(({ name, ident }) =>
    ident === undefined ? [] : [[name, typeOfDeclaration(ident.type)] as const],
  );
  return createEnvironment({
    libraries: [...kubernetesLibraries(dialect), { name: "declared", overloads: (typeEnv ?? []).flatMap(overloadsOf) }],
    variables: Object.fromEntries(variables),
    dialect,
    container: container ?? "",
  });
}
