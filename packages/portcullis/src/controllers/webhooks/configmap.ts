// What Kyverno's ConfigMap says of its webhooks: selectors, conditions, labels and annotations. It is followed while it changes;
// without it, or where it says nothing, the defaults hold. Our own namespace is never asked about, whatever it says.
// Kyverno: pkg/config/config.go.

import type { ConfiguredCluster } from "@portcullis/policy";
import { readConfiguration } from "@portcullis/policy";
import { isObject } from "@portcullis/kube";
import type { ClusterObject, Informers, ObjectName } from "../../cluster/api.ts";
import { watchKnown } from "../../cluster/known.ts";
import type { WebhookSettings } from "./wanted.ts";

type Said = Pick<WebhookSettings, "kyverno" | "labels" | "annotations">;

export interface ConfigMapOptions {
  readonly informers: Informers;
  readonly configMap: ObjectName;
  /** Our own namespace. */
  readonly namespace: string;
  readonly onSettings: (settings: Said) => void;
  readonly onError: (error: Error) => void;
}

const configMaps = { group: "", version: "v1", resource: "configmaps" };

/** Calls back for each state, first when it is known, so that nothing is registered by defaults that do not hold. */
export function followConfigMap(options: ConfigMapOptions): { close(): void } {
  const { informers, configMap, namespace, onSettings, onError } = options;
  const { informer, known } = watchKnown(informers, configMaps, {
    namespace: configMap.namespace,
    fieldSelector: `metadata.name=${configMap.name}`,
    onError,
  });
  const stop = informer.onChange(({ what, object }) => {
    onSettings(what === "removed" ? {} : saidIn(object, namespace));
  });
  const tellAbsence = (): void => {
    if (informer.size === 0) onSettings({});
  };
  // Whoever closes it before needs no settings.
  known.then(tellAbsence, () => {});
  return {
    close: () => {
      stop();
      informer.close();
    },
  };
}

function saidIn(object: ClusterObject, namespace: string): Said {
  const { cluster } = readConfiguration(object, { file: "" }).unit;
  return {
    labels: cluster.webhookLabels,
    annotations: cluster.webhookAnnotations,
    kyverno: webhooksIn(cluster, namespace),
  };
}

function webhooksIn(cluster: ConfiguredCluster, namespace: string): NonNullable<WebhookSettings["kyverno"]> {
  const { namespaceSelector, objectSelector, matchConditions } = cluster;
  return {
    ...(isObject(namespaceSelector) && { namespaceSelector: withoutOurs(namespaceSelector, namespace) }),
    ...(isObject(objectSelector) && { objectSelector }),
    matchConditions: matchConditions.filter(
      (one): one is { name: string; expression: string } =>
        isObject(one) && typeof one["name"] === "string" && typeof one["expression"] === "string",
    ),
  };
}

type Selector = NonNullable<NonNullable<WebhookSettings["kyverno"]>["namespaceSelector"]>;

function withoutOurs(selector: Selector, namespace: string): Selector {
  const own = { key: "kubernetes.io/metadata.name", operator: "NotIn", values: [namespace] };
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), own] };
}
