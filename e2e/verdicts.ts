// What the cluster tells about its objects, and what an audit that starts from nothing finds: in one form, to compare them.

import assert from "node:assert/strict";
import type { Product } from "./product.ts";

export interface Verdicts {
  /** `SOURCE POLICY[/RULE] NAMESPACE/NAME` of each violation, sorted. */
  readonly findings: readonly string[];
  /** Those, and how many violations each constraint counts. */
  readonly lines: readonly string[];
  readonly text: string;
}

/** By `portcullis audit`, a process that knows nothing of the replicas. */
export async function freshly(product: Product): Promise<Verdicts> {
  const { code, stdout, text } = await product.cliLater("audit", "-o", "json");
  assert.ok(code === 0 || code === 1, text);
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
  const lines = findings.flatMap(({ rule, object }) =>
    object === null ? [] : [`${rule.replace(/^ClusterPolicy\//, "")} ${object.namespace}/${object.name}`],
  );
  return verdicts(lines, await constraintsOf(product), (name) => count(lines, name));
}

interface Finding {
  readonly rule: string;
  readonly object: { readonly namespace: string; readonly name: string } | null;
}

/** By reports, and by the statuses of constraints. */
export async function told(product: Product): Promise<Verdicts> {
  const { items } = await read<{ readonly items: readonly Report[] }>(
    product,
    "/apis/wgpolicyk8s.io/v1alpha2/policyreports",
  );
  const lines = items.flatMap(({ scope, results }) =>
    results
      .filter(({ result }) => result === "fail")
      .map(({ policy, rule }) => {
        const name = rule === undefined ? policy : `${policy}/${rule}`;
        return `${name} ${scope.namespace}/${scope.name}`;
      }),
  );
  const constraints = await constraintsOf(product);
  return verdicts(lines, constraints, (name) => constraints.get(name) ?? -1);
}

interface Report {
  readonly scope: { readonly namespace: string; readonly name: string };
  readonly results: readonly { readonly policy: string; readonly rule?: string; readonly result: string }[];
}

function verdicts(
  found: readonly string[],
  constraints: ReadonlyMap<string, number>,
  countOf: (name: string) => number,
): Verdicts {
  const findings = found.toSorted();
  const counts = [...constraints.keys()].map((name) => `${name} counts ${countOf(name)}`);
  const lines = [...findings, ...counts];
  return { findings, lines, text: lines.join("\n") };
}

function count(lines: readonly string[], name: string): number {
  return lines.filter((line) => line.startsWith(`${name} `)).length;
}

/** `KIND/NAME`, and `status.totalViolations`; -1 when there is none. */
async function constraintsOf(product: Product): Promise<ReadonlyMap<string, number>> {
  const base = "/apis/constraints.gatekeeper.sh/v1beta1";
  const { resources } = await read<{ readonly resources: readonly { readonly name: string }[] }>(product, base);
  const plurals = resources.map(({ name }) => name).filter((name) => !name.includes("/"));
  const lists = await Promise.all(
    plurals.toSorted().map((plural) => read<{ readonly items: readonly Constraint[] }>(product, `${base}/${plural}`)),
  );
  const items = lists.flatMap((list) => list.items);
  return new Map(
    items.map(({ kind, metadata, status }) => [`${kind}/${metadata.name}`, status?.totalViolations ?? -1] as const),
  );
}

async function read<T>(product: Product, path: string): Promise<T> {
  const { status, body } = await product.call("GET", path);
  if (status !== 200) throw new Error(`${path}: ${status} ${body}`);
  return JSON.parse(body) as T;
}

interface Constraint {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly status?: { readonly totalViolations?: number };
}
