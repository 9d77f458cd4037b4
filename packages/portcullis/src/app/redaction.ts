// What of an object must not be read in a log, though a policy's message may quote it. Of a Secret no message is told at all: whatever
// of it a policy quotes, in whatever form, stays inside. Of other objects the values at given paths are taken out of the texts.
//
// A path is `[Kind:]a.b[*].c`: keys with dots between them, `[*]` for every element of a list, `*` for every key of a map; a key
// with dots in it stands in `["…"]`.

import { isObject } from "@portcullis/kube";
import type { EvaluationRequest } from "@portcullis/policy";

/** Stands for what is not told. */
export const redacted = "[redacted]";

/** Whether a policy may quote of it what nobody may read in a log: whoever reads logs may not read Secrets. */
export function isSecret({ group, kind }: { readonly group: string; readonly kind: string }): boolean {
  return group === "" && kind === "Secret";
}

/** What may be told of a text about one request. */
export type Redact = (text: string) => string;

interface RedactedPath {
  /** "": any. */
  readonly kind: string;
  readonly steps: readonly string[];
}

/** Throws an Error that says what is wrong with a path. */
export function createRedaction(paths: readonly string[]): (request: EvaluationRequest) => Redact {
  const parsed = paths.map(parsePath);
  return (request) => {
    const kind = request.kind?.kind ?? "";
    if (request.kind !== null && isSecret(request.kind)) return () => redacted;
    const wanted = parsed.filter((path) => path.kind === "" || path.kind === kind);
    if (wanted.length === 0) return (text) => text;
    let values: readonly string[] | null = null;
    return (text) => {
      values ??= valuesOf(request, wanted);
      return without(text, values);
    };
  };
}

const stepPattern = /\.?(?:([^.[\]"*:\s]+)|(\*)|\[(?:(\*)|"([^"]+)")\])/y;

function parsePath(text: string): RedactedPath {
  const [, kind = "", path = ""] = /^(?:([A-Za-z0-9]+):)?(.*)$/s.exec(text) ?? [];
  const steps: string[] = [];
  stepPattern.lastIndex = 0;
  while (stepPattern.lastIndex < path.length) {
    const match = stepPattern.exec(path);
    if (match === null) break;
    steps.push(match[1] ?? match[2] ?? match[3] ?? match[4] ?? "");
    if (stepPattern.lastIndex === path.length) return { kind, steps };
  }
  throw new Error(
    `${text}: expected a path like spec.containers[*].env[*].value, or one behind a kind: ConfigMap:data.*`,
  );
}

function valuesOf({ object, oldObject }: EvaluationRequest, paths: readonly RedactedPath[]): readonly string[] {
  const found = new Set<string>();
  for (const tree of [object, oldObject]) for (const { steps } of paths) collect(tree, steps, 0, found);
  // A long value may have a short one in it.
  return [...found].toSorted((a, b) => b.length - a.length);
}

function collect(tree: unknown, steps: readonly string[], at: number, found: Set<string>): void {
  const step = steps[at];
  if (step === undefined) {
    addLeaves(tree, found);
  } else if (Array.isArray(tree)) {
    for (const element of step === "*" ? tree : []) collect(element, steps, at + 1, found);
  } else if (isObject(tree)) {
    const keys = step === "*" ? Object.keys(tree) : Object.hasOwn(tree, step) ? [step] : [];
    for (const key of keys) collect(tree[key], steps, at + 1, found);
  }
}

function addLeaves(tree: unknown, found: Set<string>): void {
  if (Array.isArray(tree)) for (const element of tree) addLeaves(element, found);
  else if (isObject(tree)) for (const value of Object.values(tree)) addLeaves(value, found);
  else if (typeof tree === "string" && tree !== "") found.add(tree);
  else if (typeof tree === "number") found.add(String(tree));
}

/** A value of so few characters stands everywhere: of a text with it nothing is told. */
const shortMax = 3;

function without(text: string, values: readonly string[]): string {
  let left = text;
  for (const value of values) {
    if (!left.includes(value)) continue;
    if (value.length <= shortMax) return redacted;
    left = left.replaceAll(value, redacted);
  }
  return left;
}
