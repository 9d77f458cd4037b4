// What the commands print: findings. One shape for violations, lint findings and errors, so that text, JSON, SARIF and
// JUnit are written once.

import { type Diagnostic, formatDiagnostic } from "@portcullis/lang";

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

/** `FILE:LINE:COLUMN: deny: OBJECT: [RULE] MESSAGE`, a line for people and editors; without what there is none of. */
export function findingLine({ rule, action, message, object, place, level }: Finding): string {
  const where = place === null ? "" : `${place.file}:${place.line}:${place.column}: `;
  const what = object === null ? "" : `${objectName(object)}: `;
  // What failed before its policy was asked for an action has none.
  return `${where}${action || level}: ${what}[${rule}] ${message}\n`;
}

/** `apps/v1/Deployment mcs/web`, as gator prints objects. */
export function objectName({ apiVersion, kind, namespace, name }: FindingObject): string {
  return `${apiVersion}/${kind} ${namespace === "" ? name : `${namespace}/${name}`}`;
}

export function diagnosticFinding({ severity, code, message, span, hint, notes }: Diagnostic): Finding {
  const place = span === null ? null : { file: span.source.name, ...span.source.position(span.start) };
  const text = [hint === undefined ? message : `${message} (${hint})`, ...(notes ?? []).map(noteText)].join("\n");
  return {
    level: severity === "info" ? "note" : severity,
    rule: code,
    action: null,
    message: text,
    object: null,
    place,
  };
}

function noteText(note: { readonly message: string; readonly span: Diagnostic["span"] }): string {
  return formatDiagnostic({ code: "note", severity: "info", ...note });
}
