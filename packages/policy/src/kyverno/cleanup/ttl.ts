// The label `cleanup.kyverno.io/ttl`: an object goes a while after it was made, or at a time. A duration is Go's or has words
// for its units (`2 days`, `1w`); a time is a date, or a date with a clock without colons, in UTC. A label that cannot be
// read is only warned about. Behaviour from Kyverno pkg/controllers/ttl, pkg/validation/resource and go-openapi's
// strfmt.ParseDuration.

import { annotationsOf, labelsOf, stringAt } from "@portcullis/kube";
import { parseDuration, parseTime } from "@portcullis/lang/go";
import type { Json } from "../../engine/request.ts";

const ttlLabel = "cleanup.kyverno.io/ttl";
const propagationAnnotation = "cleanup.kyverno.io/propagation-policy";

export interface TimeToLive {
  /** When the object goes, in milliseconds since 1970. */
  readonly atMs: number;
  /** `Foreground`, `Background`, `Orphan`, or "" for the kind's own way. */
  readonly propagation: string;
}

/** When an object goes; null without a label, Go's text when the label cannot be read. */
export function timeToLive(object: Json): TimeToLive | { readonly error: string } | null {
  const label = labelsOf(object)[ttlLabel];
  if (label === undefined) return null;
  const annotation = annotationsOf(object)[propagationAnnotation] ?? "";
  const propagation = ["Foreground", "Background", "Orphan"].includes(annotation) ? annotation : "";
  const duration = parseLongDuration(label);
  if (duration !== null) {
    const created = parseTime("2006-01-02T15:04:05Z07:00", stringAt(object, "metadata", "creationTimestamp"));
    // Go's zero time for an object without one: it goes at once.
    const createdMs = "error" in created ? -62_135_596_800_000 : created.seconds * 1000;
    return { atMs: createdMs + Number(duration / 1_000_000n), propagation };
  }
  const clock = parseTime("2006-01-02T150405Z", label);
  const moment = "error" in clock ? parseTime("2006-01-02", label) : clock;
  return "error" in moment ? moment : { atMs: moment.seconds * 1000, propagation };
}

const second = 1_000_000_000n;

/** The names of units; what begins with the last of a list means it too (`hours`). */
const units: readonly (readonly [names: readonly string[], nanoseconds: bigint])[] = [
  [["ns", "nano"], 1n],
  [["us", "µs", "micro"], 1000n],
  [["ms", "milli"], 1_000_000n],
  [["s", "sec"], second],
  [["m", "min"], 60n * second],
  [["h", "hr", "hour"], 3600n * second],
  [["d", "day"], 86_400n * second],
  [["w", "wk", "week"], 604_800n * second],
];

/** Nanoseconds; null when it is no duration. Whatever is between numbers with units is passed over. */
function parseLongDuration(text: string): bigint | null {
  const plain = parseDuration(text);
  if (typeof plain === "bigint") return plain;
  let sum = 0n;
  let isDuration = false;
  for (const [, digits = "", word = ""] of text.matchAll(/(?<!\d)(\d+)\s*([A-Za-zµ]+)/gu)) {
    if (BigInt(digits) > 9_223_372_036_854_775_807n) return null;
    const unit = units.find(([names]) => isUnit(word.toLowerCase(), names));
    if (unit === undefined) continue;
    isDuration = true;
    sum += BigInt(digits) * unit[1];
  }
  return isDuration ? BigInt.asIntN(64, sum) : null;
}

function isUnit(word: string, names: readonly string[]): boolean {
  return names.includes(word) || word.startsWith(names.at(-1) ?? word);
}
