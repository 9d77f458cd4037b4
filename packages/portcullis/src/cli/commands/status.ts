// `portcullis status`: what is enforced where, what is wrong, and what entered unchecked. Exit code 1 when something is wrong, 2 when
// the cluster cannot be read.

import { type Overview, type PolicyState, overviewOf } from "../../controllers/install/overview.ts";
import { type ClusterFlags, onCluster, ownNamespace } from "../cluster.ts";

export interface StatusFlags extends ClusterFlags {
  readonly output: "text" | "json";
  readonly webhookConfigurationName: string;
}

export async function statusCommand(flags: StatusFlags, version: string): Promise<number> {
  return onCluster(flags, `portcullis-status/${version}`, async (client) => {
    const overview = await overviewOf(client, {
      namespace: ownNamespace(flags),
      configurationName: flags.webhookConfigurationName,
    });
    process.stdout.write(flags.output === "json" ? `${JSON.stringify(overview, null, 2)}\n` : textOf(overview));
    return isWell(overview) ? 0 : 1;
  });
}

function isWell({ problems, policies }: Overview): boolean {
  return problems.length === 0 && policies.every(({ enforcement }) => enforcement.state !== "failed");
}

function textOf(overview: Overview): string {
  const { replicas, policies, webhooks, neighbours, problems } = overview;
  const lines = [
    `replicas: ${replicas.length === 0 ? "none" : replicas.join(", ")}`,
    `policies: ${policies.length}, ${counted(policies)}`,
    ...table(
      ["KIND", "NAME", "ACTION", "STATE", "VIOLATIONS"],
      policies.map((policy) => rowOf(policy, replicas.length)),
    ),
    ...policies.flatMap(({ kind, name, enforcement }) =>
      enforcement.state === "failed" ? enforcement.errors.map((text) => `error: ${kind}/${name}: ${text}`) : [],
    ),
    `webhooks: ${webhooks.length}`,
    ...table(
      ["NAME", "FAILURE POLICY", "RULES"],
      webhooks.map(({ name, failurePolicy, rules }) => [name, failurePolicy, String(rules)]),
    ),
    ...neighbours.map(
      ({ dialect, evidence }) => `neighbour: a live ${dialect} (${evidence}) enforces its own policies`,
    ),
    ...shadowLines(overview.shadows),
    ...uncheckedLines(overview),
    ...problems.map((text) => `problem: ${text}`),
  ];
  return `${lines.join("\n")}\n`;
}

function counted(policies: readonly PolicyState[]): string {
  const of = (state: PolicyState["enforcement"]["state"]): number =>
    policies.filter(({ enforcement }) => enforcement.state === state).length;
  return `${of("enforced")} enforced, ${of("waiting")} waiting, ${of("failed")} failed`;
}

function rowOf(
  { kind, namespace, name, action, enforcement, violations }: PolicyState,
  replicas: number,
): readonly string[] {
  const { state } = enforcement;
  const by = "by" in enforcement ? ` ${enforcement.by}/${replicas}` : "";
  return [
    kind,
    namespace === "" ? name : `${namespace}/${name}`,
    action || "-",
    `${state}${by}`,
    violations === null ? "-" : String(violations),
  ];
}

const examplesMax = 10;

/** What was stored without a decision, and how often the API server says that it went on without us. */
function uncheckedLines({ unchecked, failOpen, untold }: Overview): readonly string[] {
  const lines = [...storedLines(unchecked), ...failOpenLines(failOpen)];
  const unknown = untold.map((name) => `unchecked: of ${name} only the counter tells: it has matchConditions`);
  return [...(lines.length === 0 ? ["unchecked: nothing"] : lines), ...unknown];
}

function storedLines(found: Overview["unchecked"]): readonly string[] {
  if (found === null) return ["unchecked: what the leader found may not be read (get configmaps)"];
  const { since, unchecked, unknown, examples } = found;
  const shown = examples.slice(0, examplesMax);
  const more = unchecked - shown.length;
  const plural = unchecked === 1 ? "object was" : "objects were";
  return [
    ...(unchecked === 0 ? [] : [`unchecked: ${unchecked} ${plural} written without our being asked, since ${since}`]),
    ...table(
      ["KIND", "NAME", "WRITTEN", "NOT ASKED"],
      shown.map(({ kind, namespace, name, at, dialects }) => [
        kind,
        namespace === "" ? name : `${namespace}/${name}`,
        at,
        dialects.join(","),
      ]),
    ),
    ...(more > 0 && shown.length > 0 ? [`  and ${more} before`] : []),
    ...(unknown === 0 ? [] : [`unchecked: ${unknown} more, perhaps: written as a replica ended`]),
  ];
}

function failOpenLines(failOpen: Overview["failOpen"]): readonly string[] {
  if (failOpen === null) return ["unchecked: the API server's counters may not be read (get /metrics)"];
  return failOpen
    .filter(({ count }) => count > 0)
    .map(
      ({ webhook, count }) =>
        `unchecked: ${count} requests entered while ${webhook} did not answer, since the API server started`,
    );
}

function shadowLines(shadows: Overview["shadows"]): readonly string[] {
  const sums = new Map<string, number>();
  for (const { dialect, ours, stored, count } of shadows.flatMap(({ counts }) => counts)) {
    const key = `${dialect} ${ours} ${stored}`;
    sums.set(key, (sums.get(key) ?? 0) + count);
  }
  const dialects = new Set(shadows.flatMap(({ counts }) => counts.map(({ dialect }) => dialect)));
  const lines = [...dialects].map((dialect) => {
    const count = (ours: string, stored: boolean): number => sums.get(`${dialect} ${ours} ${stored}`) ?? 0;
    const same = count("allow", true) + count("deny", false);
    return `shadow of ${dialect}: ${same} alike, ${count("deny", true)} let in that we would refuse, ${count("allow", false)} refused that we would let in`;
  });
  const examples = shadows.flatMap((one) => one.examples).slice(0, examplesMax);
  return [
    ...lines,
    ...table(
      ["KIND", "NAME", "WE", "STORED", "MESSAGE"],
      examples.map(({ kind, namespace, name, ours, stored, message }) => [
        kind,
        namespace === "" ? name : `${namespace}/${name}`,
        ours,
        stored ? "yes" : "no",
        message
          .split("\n")
          .find((line) => line.trim() !== "")
          ?.slice(0, 80) ?? "",
      ]),
    ),
  ];
}

/** Columns as wide as their widest cell, two spaces apart, below a heading. */
function table(heading: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const widths = heading.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [heading, ...rows].map((row) =>
    `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd(),
  );
}
