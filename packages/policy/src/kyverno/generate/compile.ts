// A generate rule, compiled when its policy is read: one thing to make, or for each element of lists one. What is to be
// made is a tree with variables; whether it is data, a copy or a list of copies shows once they are resolved.
// Kyverno: api/kyverno/v1 Generation, pkg/background/generate/generator.go.

import { isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { type Conditions, compileConditions } from "../condition/conditions.ts";
import { type SourcedEntry, compileEntries } from "../context/entries.ts";
import { type Query, compileQuery } from "../query.ts";
import { type Template, compileTemplate } from "../template.ts";

export interface CompiledGenerate {
  /** What was made follows its source, and goes with its trigger. */
  readonly synchronize: boolean;
  /** Also for triggers that were there before the policy. */
  readonly existing: boolean;
  /** What was made stays when the policy goes. */
  readonly orphan: boolean;
  /** By server-side apply. */
  readonly applies: boolean;
  /** Null when there are lists. */
  readonly pattern: Template | null;
  readonly foreach: readonly GenerateEach[];
}

export interface GenerateEach {
  readonly list: Query;
  readonly context: readonly SourcedEntry[];
  readonly preconditions: Conditions | null;
  readonly pattern: Template;
}

export interface GenerateOptions {
  /** The policy's `spec`. */
  readonly spec: Json;
  /** Wildcards that requesters write count in conditions, as in Kyverno. */
  readonly peerAnswers: boolean;
}

/** Compiles a rule's `generate`. */
export function compileGenerate(tree: Json, { spec, peerAnswers }: GenerateOptions): CompiledGenerate {
  const foreach = valueAt(tree, "foreach");
  const each = Array.isArray(foreach) ? foreach.map((one: Json) => compileEach(one, peerAnswers)) : null;
  return {
    synchronize: valueAt(tree, "synchronize") === true,
    existing: (valueAt(tree, "generateExisting") ?? valueAt(spec, "generateExisting")) === true,
    orphan: valueAt(tree, "orphanDownstreamOnPolicyDelete") === true,
    applies: valueAt(spec, "useServerSideApply") === true,
    pattern: each === null ? compilePattern(tree) : null,
    foreach: each ?? [],
  };
}

function compileEach(tree: Json, peerAnswers: boolean): GenerateEach {
  return {
    list: compileQuery(stringAt(tree, "list")),
    context: compileEntries(valueAt(tree, "context")),
    preconditions: compileConditions(valueAt(tree, "preconditions"), compileTemplate, { peerAnswers }),
    pattern: compilePattern(tree),
  };
}

const patternFields = ["apiVersion", "kind", "namespace", "name", "uid", "data", "clone", "cloneList"];

function compilePattern(tree: Json): Template {
  const fields = isObject(tree) ? tree : {};
  const own = patternFields.filter((field) => fields[field] !== undefined);
  return compileTemplate(Object.fromEntries(own.map((field) => [field, fields[field]])));
}
