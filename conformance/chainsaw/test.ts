// chainsaw-test.yaml as data: steps of operations, each with the folder that its files are in. A step that uses a template
// becomes the template's operations with the bindings it gave. What no step of these suites uses is an error, so that
// nothing is passed over in silence.

import { dirname, join } from "node:path";
import { isObject, stringAt, valueAt } from "@portcullis/kube";
import { readYaml } from "../files.ts";

export interface ChainsawTest {
  /** Where scripts run. */
  readonly folder: string;
  /** Where its namespaced objects are; "" for a namespace of its own. */
  readonly namespace: string;
  /** Its `metadata`, to which expressions may refer. */
  readonly metadata: unknown;
  /** Whether values in parentheses are expressions where an operation does not say. */
  readonly isTemplate: boolean;
  readonly bindings: readonly Binding[];
  readonly steps: readonly Step[];
}

export interface Binding {
  readonly name: string;
  /** May be an expression over the bindings before it. */
  readonly value: unknown;
}

export interface Step {
  readonly name: string;
  /** Where files of its operations are. */
  readonly folder: string;
  readonly bindings: readonly Binding[];
  readonly try: readonly Operation[];
  readonly finally: readonly Operation[];
  readonly cleanup: readonly Operation[];
}

export interface Operation {
  readonly kind: OperationKind;
  readonly fields: Readonly<Record<string, unknown>>;
}

const operationKinds = [
  "apply",
  "assert",
  "command",
  "create",
  "delete",
  "error",
  "patch",
  "script",
  "sleep",
  "update",
  "wait",
] as const;
type OperationKind = (typeof operationKinds)[number];

/** Throws an Error for what is not a test, and for operations that this runner does not know. */
export function readTest(file: string): ChainsawTest {
  const folder = dirname(file);
  const [document] = readYaml(file);
  if (stringAt(document, "kind") !== "Test") throw new Error(`${file}: expected a Test`);
  return {
    folder,
    namespace: stringAt(document, "spec", "namespace"),
    metadata: valueAt(document, "metadata"),
    isTemplate: valueAt(document, "spec", "template") !== false,
    bindings: readBindings(valueAt(document, "spec", "bindings")),
    steps: listAt(document, "spec", "steps").map((step) => readStep(step, folder)),
  };
}

function readStep(step: unknown, folder: string): Step {
  const name = stringAt(step, "name");
  const template = stringAt(step, "use", "template");
  if (template === "") {
    return {
      name,
      folder,
      bindings: readBindings(valueAt(step, "bindings")),
      try: readOperations(valueAt(step, "try")),
      finally: readOperations(valueAt(step, "finally")),
      cleanup: readOperations(valueAt(step, "cleanup")),
    };
  }
  const file = join(folder, template);
  const [document] = readYaml(file);
  if (stringAt(document, "kind") !== "StepTemplate") throw new Error(`${file}: expected a StepTemplate`);
  return {
    name,
    // Files are the test's: what a template names, its user gave.
    folder,
    bindings: [
      ...readBindings(valueAt(document, "spec", "bindings")),
      ...readBindings(valueAt(step, "use", "with", "bindings")),
    ],
    try: readOperations(valueAt(document, "spec", "try")),
    finally: readOperations(valueAt(document, "spec", "finally")),
    cleanup: readOperations(valueAt(document, "spec", "cleanup")),
  };
}

function readBindings(list: unknown): readonly Binding[] {
  if (!Array.isArray(list)) return [];
  return list.map((item) => ({ name: stringAt(item, "name"), value: valueAt(item, "value") }));
}

function readOperations(list: unknown): readonly Operation[] {
  if (!Array.isArray(list)) return [];
  return list.map((item) => {
    const kind = operationKinds.find((one) => isObject(valueAt(item, one)));
    if (kind === undefined) throw new Error(`an operation that is not known: ${JSON.stringify(item)}`);
    return { kind, fields: valueAt(item, kind) as Operation["fields"] };
  });
}

function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const list = valueAt(value, ...path);
  return Array.isArray(list) ? list : [];
}
