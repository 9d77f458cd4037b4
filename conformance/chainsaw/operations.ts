// One operation of a step. What chainsaw does at once fails at once; what it waits for is tried until it holds or its time
// is up, and then the nearest difference is the reason. An operation with expectations passes when they hold, whatever the
// API server said.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isObject, nameOf, stringAt, valueAt } from "@portcullis/kube";
import type { ClusterObject } from "../../packages/portcullis/src/cluster/api.ts";
import { readYaml } from "../files.ts";
import { type Bindings, evaluate, expressionIn, fill } from "./expression.ts";
import type { Objects, Reference, Written } from "./objects.ts";
import { type Finished, runProgram } from "./program.ts";
import type { Binding, Operation } from "./test.ts";
import { differences } from "./tree.ts";

export interface Surroundings {
  readonly objects: Objects;
  readonly folder: string;
  readonly isTemplate: boolean;
  readonly bindings: Bindings;
  /** Of scripts and commands. */
  readonly env: NodeJS.ProcessEnv;
  readonly timeouts: Timeouts;
  /** Called for what this test made and has to take away. */
  readonly onCreated: (where: Reference) => void;
}

export interface Timeouts {
  /** How long a kind may take to be served. */
  readonly applyMs: number;
  readonly assertMs: number;
  /** What has not changed for so long will not become as asserted: waiting on would only cost time. */
  readonly stillMs: number;
  readonly errorMs: number;
  readonly deleteMs: number;
  readonly execMs: number;
}

/** Runs it; gives the bindings that it adds. Rejects with the reason when it fails. */
export async function operate({ kind, fields }: Operation, around: Surroundings): Promise<Bindings> {
  switch (kind) {
    case "apply":
    case "create":
    case "update":
    case "patch":
      await write(kind, fields, around);
      return new Map();
    case "assert":
      await eachObject({ kind, fields }, around, (object) =>
        assertThere(object, around, timeoutOf(fields, around.timeouts.assertMs)),
      );
      return new Map();
    case "error":
      await eachObject({ kind, fields }, around, (object) =>
        assertAbsent(object, around, timeoutOf(fields, around.timeouts.errorMs)),
      );
      return new Map();
    case "delete":
      await remove(fields, around);
      return new Map();
    case "script":
    case "command":
      return await execute(kind, fields, around);
    case "sleep":
      await sleep(milliseconds(stringAt(fields, "duration")));
      return new Map();
    case "wait":
      throw new Error("wait is not built");
  }
}

type Fields = Operation["fields"];

// ── objects

async function eachObject(
  { kind, fields }: Operation,
  around: Surroundings,
  work: (object: ClusterObject) => Promise<void>,
): Promise<void> {
  // One after the other: what is applied first may be what the next one needs.
  // oxlint-disable-next-line no-await-in-loop
  for (const object of objectsOf(kind, fields, around)) await work(object);
}

function objectsOf(kind: Operation["kind"], fields: Fields, around: Surroundings): readonly ClusterObject[] {
  const { folder, bindings } = around;
  const file = text(fields["file"], bindings);
  const given = file === "" ? [fields["resource"]] : readYaml(join(folder, file));
  const isTemplate = fields["template"] === undefined ? around.isTemplate : fields["template"] === true;
  const objects = given.filter((object): object is ClusterObject => isObject(object));
  if (!isTemplate) return objects;
  // What is asserted is a tree, whose expressions are about what is found; only what to look for is known before.
  const isTree = kind === "assert" || kind === "error";
  return objects.map((object) =>
    isTree
      ? { ...object, metadata: fill(object["metadata"] ?? {}, bindings) }
      : (fill(object, bindings) as ClusterObject),
  );
}

function text(value: unknown, bindings: Bindings): string {
  if (typeof value !== "string") return "";
  const expression = expressionIn(value);
  return expression === null ? value : String(evaluate(expression, null, bindings));
}

async function write(
  kind: "apply" | "create" | "update" | "patch",
  fields: Fields,
  around: Surroundings,
): Promise<void> {
  const { objects, bindings, onCreated } = around;
  const how = kind === "apply" ? objects.apply : kind === "create" ? objects.create : objects.merge;
  await eachObject({ kind, fields }, around, async (object) => {
    let written: Written | null = null;
    let failure: string | null = null;
    try {
      await served(object, around);
      written = await how(object);
      if (written.isNew) onCreated(written.where);
      if (written.where.resource.group === "kyverno.io") await sleep(takenInMs);
    } catch (error) {
      failure = (error as Error).message;
    }
    const checks = expectations(fields["expect"], object, bindings);
    const bound = new Map([...bindings, ["error", failure]]);
    const unmet = checks.flatMap((check) => differences(check, written?.object ?? object, bound));
    if (unmet.length > 0) throw new Error(`${kind} ${title(object)}: ${unmet.join("; ")}: ${failure ?? "done"}`);
    if (checks.length === 0 && failure !== null) throw new Error(`${kind} ${title(object)}: ${failure}`);
  });
}

/** Some tests do not wait until a policy is ready, or change one: it is served some moments later. */
const takenInMs = 200;

/** A definition that was made just now takes a moment to be served. */
async function served(object: ClusterObject, { objects, timeouts }: Surroundings): Promise<void> {
  await until(timeouts.applyMs, async () => {
    await objects.placed(object);
    return null;
  });
}

/** The checks of the expectations that are about this object. */
function expectations(list: unknown, object: ClusterObject, bindings: Bindings): readonly unknown[] {
  if (!Array.isArray(list)) return [];
  return list
    .filter((item) => differences(valueAt(item, "match") ?? {}, object, bindings).length === 0)
    .map((item) => valueAt(item, "check"));
}

async function remove(fields: Fields, around: Surroundings): Promise<void> {
  const { objects, bindings, timeouts } = around;
  const reference = fields["ref"];
  const wanted = reference === undefined ? objectsOf("delete", fields, around) : [refObject(reference, bindings)];
  for (const object of wanted) {
    // oxlint-disable-next-line no-await-in-loop -- in their order
    for (const found of await objects.candidates(object)) {
      // oxlint-disable-next-line no-await-in-loop -- in their order
      await removeOne(found, objects, timeoutOf(fields, timeouts.deleteMs));
    }
  }
}

function refObject(reference: unknown, bindings: Bindings): ClusterObject {
  const at = (key: string): string => text(valueAt(reference, key), bindings);
  return {
    apiVersion: at("apiVersion"),
    kind: at("kind"),
    metadata: { name: at("name"), namespace: at("namespace"), labels: valueAt(reference, "labels") },
  };
}

async function removeOne(object: ClusterObject, objects: Objects, timeoutMs: number): Promise<void> {
  const { where } = await objects.placed(object);
  await objects.remove(where);
  await until(timeoutMs, async () => ((await objects.get(where)) === null ? null : `${title(object)} is still there`));
}

async function assertThere(
  object: ClusterObject,
  { objects, bindings, timeouts }: Surroundings,
  timeoutMs: number,
): Promise<void> {
  let versions = "";
  let sinceMs = performance.now();
  await until(timeoutMs, async () => {
    const found = await objects.candidates(object);
    if (found.length === 0) return `assert ${title(object)}: there is none`;
    const misses = found.map((candidate) => differences(object, candidate, bindings));
    if (misses.some((miss) => miss.length === 0)) return null;
    const [nearest] = misses.toSorted((left, right) => left.length - right.length);
    const reason = `assert ${title(object)}: ${nearest?.join("; ") ?? ""}`;
    const now = found.map((candidate) => stringAt(candidate, "metadata", "resourceVersion")).join();
    if (now !== versions) sinceMs = performance.now();
    versions = now;
    if (performance.now() - sinceMs > timeouts.stillMs) throw new Hopeless(reason);
    return reason;
  });
}

async function assertAbsent(
  object: ClusterObject,
  { objects, bindings }: Surroundings,
  timeoutMs: number,
): Promise<void> {
  await until(timeoutMs, async () => {
    const found = await objects.candidates(object);
    const isThere = found.some((candidate) => differences(object, candidate, bindings).length === 0);
    return isThere ? `error ${title(object)}: it is there` : null;
  });
}

function title(object: ClusterObject): string {
  return `${stringAt(object, "kind")} ${nameOf(object)}`.trim();
}

/** A reason that time will not mend. */
class Hopeless extends Error {}

/** Tries until there is no reason against it any more; rejects with the last one. A kind that is not served yet is one. */
async function until(timeoutMs: number, reasonAgainst: () => Promise<string | null>): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  const ask = async (): Promise<string | null> => {
    try {
      return await reasonAgainst();
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      return (error as Error).message;
    }
  };
  for (let waitMs = 50; ; waitMs = Math.min(500, waitMs * 2)) {
    // oxlint-disable-next-line no-await-in-loop -- polling is the point
    const reason = await ask();
    if (reason === null) return;
    if (performance.now() + waitMs > endMs) throw new Error(`${reason} (after ${Math.round(timeoutMs / 1000)} s)`);
    // oxlint-disable-next-line no-await-in-loop -- see above
    await sleep(waitMs);
  }
}

// ── programs

async function execute(kind: "script" | "command", fields: Fields, around: Surroundings): Promise<Bindings> {
  const { folder, bindings, env, timeouts } = around;
  const args =
    kind === "script"
      ? ["bash", "-c", stringAt(fields, "content")]
      : [stringAt(fields, "entrypoint"), ...((fields["args"] ?? []) as readonly string[])];
  const finished = await runProgram(args, {
    folder,
    env: { ...env, ...environmentOf(fields["env"], bindings) },
    timeoutMs: Math.max(timeoutOf(fields, 0), timeouts.execMs),
  });
  const bound = new Map<string, unknown>([...bindings, ...Object.entries(finished)]);
  const check = fields["check"];
  const problems = check === undefined ? [] : differences(check, null, bound);
  if (problems.length > 0) throw new Error(`${kind}: ${problems.join("; ")}: ${outputOf(finished)}`);
  if (check === undefined && finished.error !== null) {
    throw new Error(`${kind}: ${finished.error}: ${outputOf(finished)}`);
  }
  return outputs(fields["outputs"], bound);
}

function environmentOf(list: unknown, bindings: Bindings): NodeJS.ProcessEnv {
  if (!Array.isArray(list)) return {};
  return Object.fromEntries(list.map((item) => [stringAt(item, "name"), text(valueAt(item, "value"), bindings)]));
}

function outputs(list: unknown, bindings: Bindings): Bindings {
  const added = new Map<string, unknown>();
  if (!Array.isArray(list)) return added;
  for (const { name, value } of list as readonly Binding[]) added.set(name, fill(value, bindings));
  return added;
}

function outputOf({ stdout, stderr }: Finished): string {
  return `${stdout}${stderr}`.trim().slice(-1000);
}

// ── time

function timeoutOf(fields: Fields, elseMs: number): number {
  const said = stringAt(fields, "timeout");
  return said === "" ? elseMs : milliseconds(said);
}

/** `1m30s`, `500ms`. */
function milliseconds(duration: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  let total = 0;
  for (const [, amount = "", unit = ""] of duration.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    total += Number(amount) * (units[unit] ?? 0);
  }
  return total;
}
