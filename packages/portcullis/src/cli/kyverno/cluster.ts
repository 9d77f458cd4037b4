// What `kyverno apply --cluster` reads from a cluster: the objects of the kinds that policies name, the labels of
// Namespaces, and what policies ask for. Evaluation is synchronous, so what policies ask for is found by rehearsing: a need
// that nobody knows is noted and answered with an error, fetched after the run, and the run is rehearsed again until it
// asks for nothing new.

import { homedir } from "node:os";
import { type Labels, byCodePoints, gvkOf, labelsOf, nameOf, namespaceOf } from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import { type ApplyCluster, matchesKindParts, policyKinds } from "@portcullis/policy";
import type { ApiResource, ClusterClient, ClusterObject, Informers } from "../../cluster/api.ts";
import { type StreamingClient, createClient } from "../../cluster/client.ts";
import { readClusterConfig } from "../../cluster/kubeconfig.ts";
import { clusterNeeds } from "../../controllers/policies/clusterneeds.ts";
import { loadObjects } from "../load/files.ts";
import { CommandFailed } from "./exit.ts";

export interface ClusterFlags {
  readonly kubeconfig: string;
  readonly context: string;
}

export function connect({ kubeconfig, context }: ClusterFlags): StreamingClient {
  const given = (text: string): string | undefined => (text === "" ? undefined : text);
  const config = readClusterConfig({
    kubeconfig: given(kubeconfig),
    context: given(context),
    env: process.env,
    home: homedir(),
  });
  return createClient(config, { userAgent: "portcullis-kyverno-apply" });
}

export interface ReadOptions {
  readonly client: ClusterClient;
  /** Files and folders. */
  readonly policies: readonly string[];
  /** Only objects with these names; all when empty. */
  readonly names: readonly string[];
  /** "" is all of them. */
  readonly namespace: string;
  /** Only what belongs to no namespace. */
  readonly clusterWide: boolean;
  readonly rehearse: (cluster: ApplyCluster) => void;
}

/** How often needs may lead to others. */
const roundsMax = 16;

/** Throws CommandFailed, ApiError. */
export async function readForPolicies(options: ReadOptions): Promise<ApplyCluster> {
  const { client, rehearse } = options;
  const objects = named(await listed(options), options.names);
  const labels = await namespaceLabels(client);
  const known = new Map<string, Answer>();
  const missing = new Map<string, Need>();
  const cluster: ApplyCluster = {
    objects,
    namespaceLabels: (namespace) => labels.get(namespace) ?? {},
    answer: (need) => {
      const answer = known.get(keyOf(need));
      if (answer === undefined) missing.set(keyOf(need), need);
      return answer ?? { error: `${need.kind} ${need.key} was not fetched` };
    },
  };
  for (let round = 0; round < roundsMax; round++) {
    missing.clear();
    rehearse(cluster);
    if (missing.size === 0) break;
    // oxlint-disable-next-line no-await-in-loop -- each round asks for what the one before led to
    await fetchAll(client, [...missing.values()], known);
  }
  return cluster;
}

function keyOf({ kind, key }: Need): string {
  return `${kind} ${key}`;
}

async function fetchAll(client: ClusterClient, needs: readonly Need[], known: Map<string, Answer>): Promise<void> {
  const { fetchers, close } = clusterNeeds({ client, informers: noInformers, onError: () => {}, callService: null });
  const { signal } = new AbortController();
  await Promise.all(
    needs.map(async (need) => {
      const fetch = fetchers[need.kind];
      const answers = fetch === undefined ? [] : await fetch([need], signal);
      known.set(keyOf(need), answers[0] ?? { error: `${need.kind} ${need.key}: a cluster cannot tell` });
    }),
  );
  close();
}

/** Who runs a command says which roles somebody has; nothing is watched. */
const noInformers: Informers = {
  watch: () => {
    throw new Error("nothing is watched by a command that ends");
  },
  close: () => {},
};

// ── objects

async function listed({ client, policies, namespace, clusterWide }: ReadOptions): Promise<readonly ClusterObject[]> {
  const wanted = loadObjects(policies, { stdin: false })
    .filter(({ object }) => gvkOf(object).group === "kyverno.io")
    .flatMap(({ object }) => policyKinds(object))
    .filter(({ subresource }) => subresource === "");
  const { resources } = await client.discover();
  const isWanted = ({ gvk, preferred, verbs, namespaced }: ApiResource): boolean =>
    verbs.includes("list") &&
    !(clusterWide && namespaced) &&
    wanted.some((one) => matchesKindParts(one, gvk, "") && (preferred || one.version === gvk.version));
  const found = new Map<string, ClusterObject>();
  for (const { gvr, gvk, namespaced } of resources.filter(isWanted)) {
    const apiVersion = gvk.group === "" ? gvk.version : `${gvk.group}/${gvk.version}`;
    const place = namespaced && namespace !== "" ? { namespace } : {};
    // oxlint-disable-next-line no-await-in-loop -- one kind after the other is gentle with the API server
    for await (const page of client.list(gvr, place)) {
      for (const object of page) {
        const whole = { ...object, apiVersion, kind: gvk.kind };
        found.set(`${gvk.kind} ${gvk.group} ${namespaceOf(object)} ${nameOf(object)}`, whole);
      }
    }
  }
  return [...found].toSorted(([a], [b]) => byCodePoints(a, b)).map(([, object]) => object);
}

function named(objects: readonly ClusterObject[], names: readonly string[]): readonly ClusterObject[] {
  if (names.length === 0) return objects;
  return names.flatMap((name) => {
    const some = objects.filter((object) => nameOf(object) === name);
    if (some.length === 0) throw new CommandFailed(`failed to load resources (${name} not found in cluster)`);
    return some;
  });
}

async function namespaceLabels(client: ClusterClient): Promise<ReadonlyMap<string, Labels>> {
  const labels = new Map<string, Labels>();
  const namespaces = { group: "", version: "v1", resource: "namespaces" };
  for await (const page of client.list(namespaces, { metadataOnly: true })) {
    for (const object of page) labels.set(nameOf(object), labelsOf(object));
  }
  return labels;
}
