// What the commands print: findings. One shape for violations, lint findings and errors, so that text, JSON, SARIF and
// JUnit are written once.

export interface Finding {
  /** `error` fails the run, `warning` and `note` do not. */
  readonly level: "error" | "warning" | "note";
  /** Stable name of what found it: `K8sAllowedRepos/enforce-image-repository`, `lint/ephemeral-containers`. */
  readonly rule: string;
  /** The users' word for what happens: deny, warn, dryrun; null for lint. */
  readonly action: string | null;
  readonly message: string;
  readonly object: FindingObject | null;
  readonly place: Place | null;
  readonly details?: unknown;
}

export interface FindingObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** 1-based line and column. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Summary {
  /** Objects that were decided about, or policies that were looked at. */
  readonly checked: number;
  readonly policies: number;
}

export type OutputFormat = "text" | "json" | "sarif" | "junit";

/** `apps/v1/Deployment mcs/web`, as gator prints objects. */
export function objectName({ apiVersion, kind, namespace, name }: FindingObject): string {
  return `${apiVersion}/${kind} ${namespace === "" ? name : `${namespace}/${name}`}`;
}
