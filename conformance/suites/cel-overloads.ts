// Every overload and macro that the environment of Kubernetes 1.36 has, by its signature and identifier, and no other.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Overload, type Type, createEnvironment, kubernetes136, typeText } from "@portcullis/cel";
import { kubernetesLibraries } from "@portcullis/cel/kubernetes";
import type { ConformanceCase, ConformanceSuite } from "../suite.ts";

interface Declared {
  /** `charAt` has `string.charAt(int) -> string   [string_char_at_int]`. */
  readonly functions: Readonly<Record<string, readonly string[]>>;
  readonly macros: readonly string[];
}

/** Functions of old expressions, which nobody can write: an environment has no need to declare them. */
const unwritable = new Set(["_in_", "in", "__not_strictly_false__"]);

export const celOverloads: ConformanceSuite = {
  name: "cel-overloads",
  needs: "cel",
  load: (dataDir) => {
    const declared = JSON.parse(readFileSync(join(dataDir, "cel/cel-k8s-1.36-functions.json"), "utf8")) as Declared;
    const names = new Set([...Object.keys(declared.functions), ...environment.functions.keys()]);
    const functions = [...names].filter((name) => !unwritable.has(name)).map((name) => functionCase(name, declared));
    return [...functions, { id: "macros", run: () => compareMacros(declared) }];
  },
};

const environment = createEnvironment({ libraries: kubernetesLibraries(kubernetes136), dialect: kubernetes136 });

function functionCase(name: string, { functions }: Declared): ConformanceCase {
  return {
    id: name,
    run: () => {
      const ours = (environment.functions.get(name) ?? []).map(signature);
      assert.deepEqual(ours.toSorted(), (functions[name] ?? []).toSorted());
    },
  };
}

function compareMacros({ macros }: Declared): void {
  assert.deepEqual([...environment.macros].toSorted(), macros.toSorted());
}

function signature({ id, function: name, member, parameters, result }: Overload): string {
  const shown = parameters.map(parameterText);
  const receiver = member ? `${shown.shift()}.` : "";
  return `${receiver}${name}(${shown.join(", ")}) -> ${parameterText(result)}   [${id}]`;
}

/** Type parameters are marked: `list(<A>)`. */
function parameterText(type: Type): string {
  switch (type.kind) {
    case "parameter":
      return `<${type.name}>`;
    case "list":
      return `list(${parameterText(type.element)})`;
    case "map":
      return `map(${parameterText(type.key)}, ${parameterText(type.value)})`;
    case "opaque":
      return type.parameters.length === 0
        ? type.name
        : `${type.name}(${type.parameters.map(parameterText).join(", ")})`;
    case "type":
      return type.of === null ? "type" : `type(${parameterText(type.of)})`;
    default:
      return typeText(type);
  }
}
