// `portcullis status`: what is enforced where, what is wrong, and what entered unchecked. Exit code 1 when something is wrong.

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
  const { replicas, policies, webhooks, neighbours, failOpen, problems } = overview;
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
    ...uncheckedLines(failOpen),
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

function uncheckedLines(failOpen: Overview["failOpen"]): readonly string[] {
  if (failOpen === null) return ["unchecked: the API server's counters may not be read (get /metrics)"];
  if (failOpen.every(({ count }) => count === 0)) return ["unchecked: nothing, since the API server started"];
  return failOpen.map(
    ({ webhook, count }) =>
      `unchecked: ${count} requests entered while ${webhook} did not answer, since the API server started`,
  );
}

/** Columns as wide as their widest cell, two spaces apart, below a heading. */
function table(heading: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const widths = heading.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [heading, ...rows].map((row) =>
    `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd(),
  );
}
