// Parts of a moment, in UTC or in a zone that is named, and lengths of a duration in units.
// cel-go: common/stdlib/standard.go, common/types/duration.go.

import type { Overload } from "../library.ts";
import type { Budget } from "@portcullis/lang";
import type { ZoneOffset } from "../program.ts";
import { type LocalTime, localTime, partsOfDuration } from "../runtime/timestamp.ts";
import { CelError, type Duration, type Timestamp, type Value } from "../runtime/value.ts";
import { method } from "./declare.ts";

type Part = (time: LocalTime) => number;

/** By function, with the identifier that cel-go gives the overload. */
const parts: readonly (readonly [name: string, id: string, part: Part])[] = [
  ["getFullYear", "year", ({ year }) => year],
  ["getMonth", "month", ({ month }) => month - 1],
  ["getDayOfYear", "day_of_year", ({ dayOfYear }) => dayOfYear],
  ["getDayOfMonth", "day_of_month", ({ day }) => day - 1],
  ["getDate", "day_of_month_1_based", ({ day }) => day],
  ["getDayOfWeek", "day_of_week", ({ weekday }) => weekday],
  ["getHours", "hours", ({ hour }) => hour],
  ["getMinutes", "minutes", ({ minute }) => minute],
  ["getSeconds", "seconds", ({ second }) => second],
  ["getMilliseconds", "milliseconds", ({ nanoseconds }) => Math.floor(nanoseconds / 1e6)],
];

const lengths: readonly Overload[] = [
  ["getHours", "hours", 3_600_000_000_000n] as const,
  ["getMinutes", "minutes", 60_000_000_000n] as const,
  ["getSeconds", "seconds", 1_000_000_000n] as const,
  ["getMilliseconds", "milliseconds", 1_000_000n] as const,
].map(([name, unitName, unit]) =>
  method(`google.protobuf.Duration.${name}() -> int`, `duration_to_${unitName}`, ([duration]: [Duration]) =>
    Math.trunc(partsOfDuration(duration, unit)),
  ),
);

const accessors: readonly Overload[] = parts.flatMap(([name, id, part]) => {
  const run = (
    [time, zone = "UTC"]: [Timestamp, string?],
    _budget: Budget,
    zoneOffset?: ZoneOffset,
  ): Value | CelError => {
    const local = localTime(time, zone, zoneOffset);
    return local instanceof CelError ? local : part(local);
  };
  // cel-go spells one of them its own way.
  const withZone = id === "seconds" ? "timestamp_to_seconds_tz" : `timestamp_to_${id}_with_tz`;
  return [
    method(`google.protobuf.Timestamp.${name}() -> int`, `timestamp_to_${id}`, run),
    method(`google.protobuf.Timestamp.${name}(string) -> int`, withZone, run),
  ];
});

export const timeAccessors: readonly Overload[] = [...accessors, ...lengths];
