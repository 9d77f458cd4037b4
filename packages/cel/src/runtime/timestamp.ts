// Moments and lengths of time: reading RFC 3339 and Go durations, arithmetic within year 1 to 9999 and int64 nanoseconds,
// and the parts of a moment in a zone. Zones by name are asked of whoever runs us, because only a host has their data.
// cel-go: common/types/timestamp.go, duration.go, overflow.go; common/stdlib/standard.go inTimeZone.

import type { ZoneOffset } from "../program.ts";
import {
  type CivilDate,
  type Clock,
  type ZonedTime,
  civilFromDays,
  clockOfSeconds,
  daysFromCivil,
  formatTime,
  parseDuration,
  parseZonedTime,
  quote,
  secondsPerDay,
  weekdayOfDays,
} from "@portcullis/lang/go";
import { integerOverflow, isInt64 } from "./arithmetic.ts";
import { CelError, Duration, Timestamp } from "./value.ts";

const secondsMin = -62_135_596_800n;
const secondsMax = 253_402_300_799n;
const second = 1_000_000_000n;

const timestampOverflow = new CelError("timestamp overflow");

const rfc3339 = "2006-01-02T15:04:05Z07:00";

/** What cel-go 0.30 looks at before Go reads a moment; Go alone takes more. */
const strictRfc3339 =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** `timestamp(text)`. */
export function parseTimestamp(text: string, celGo: 26 | 30): Timestamp | CelError {
  if (celGo === 30 && !strictRfc3339.test(text)) return new CelError(`invalid RFC 3339 timestamp ${quote(text)}`);
  const time = parseZonedTime(rfc3339, text);
  if ("error" in time) return new CelError("type conversion error from 'string' to 'google.protobuf.Timestamp'");
  return timestampOf(BigInt(time.seconds) * second + BigInt(time.nanoseconds), time.offsetSeconds);
}

/** A moment, if it is one of the years 1 to 9999. */
function timestampOf(nanoseconds: bigint, offsetSeconds = 0): Timestamp | CelError {
  const seconds = floorSeconds(nanoseconds);
  if (seconds < secondsMin || seconds > secondsMax) return timestampOverflow;
  return new Timestamp(nanoseconds, offsetSeconds);
}

export function timestampOfSeconds(seconds: number | bigint): Timestamp | CelError {
  return timestampOf(BigInt(seconds) * second);
}

/** Whole seconds since 1970, rounded down. */
export function secondsOf(time: Timestamp): bigint {
  return floorSeconds(time.nanoseconds);
}

function floorSeconds(nanoseconds: bigint): bigint {
  const seconds = nanoseconds / second;
  return nanoseconds < 0n && seconds * second !== nanoseconds ? seconds - 1n : seconds;
}

export function zonedTime(time: Timestamp): ZonedTime {
  const seconds = floorSeconds(time.nanoseconds);
  return {
    seconds: Number(seconds),
    nanoseconds: Number(time.nanoseconds - seconds * second),
    offsetSeconds: time.offsetSeconds,
    abbreviation: time.offsetSeconds === 0 ? "UTC" : "",
  };
}

/** `2024-01-02T03:04:05.006Z`, in the zone in which it was written. */
export function timestampText(time: Timestamp): string {
  return formatTime(zonedTime(time), "2006-01-02T15:04:05.999999999Z07:00");
}

/** `duration(text)`: Go's durations. */
export function durationOfText(text: string): Duration | CelError {
  const nanoseconds = parseDuration(text);
  if (typeof nanoseconds === "bigint") return new Duration(nanoseconds);
  return new CelError("type conversion error from 'string' to 'google.protobuf.Duration'");
}

/** Seconds as a double, as Go counts them: whole seconds and the rest apart. Go: Duration.Seconds. */
export function secondsOfDuration(duration: Duration): number {
  return partsOfDuration(duration, second);
}

/** A duration in a unit, as a double. Go: Duration.Hours, Minutes, Seconds. */
export function partsOfDuration({ nanoseconds }: Duration, unit: bigint): number {
  return Number(nanoseconds / unit) + Number(nanoseconds % unit) / Number(unit);
}

// ── arithmetic

export function durationOf(nanoseconds: bigint): Duration | CelError {
  return isInt64(nanoseconds) ? new Duration(nanoseconds) : integerOverflow;
}

export function addDuration(time: Timestamp, duration: Duration): Timestamp | CelError {
  return timestampOf(time.nanoseconds + duration.nanoseconds, time.offsetSeconds);
}

export function subtractDuration(time: Timestamp, duration: Duration): Timestamp | CelError {
  const negated = durationOf(-duration.nanoseconds);
  return negated instanceof CelError ? negated : addDuration(time, negated);
}

export function subtractTimestamps(a: Timestamp, b: Timestamp): Duration | CelError {
  return durationOf(a.nanoseconds - b.nanoseconds);
}

// ── parts of a moment

export interface LocalTime extends CivilDate, Clock {
  /** 0 for Sunday. */
  readonly weekday: number;
  /** 0 for the first of January. */
  readonly dayOfYear: number;
  readonly nanoseconds: number;
}

/** Date and clock of a moment in a zone: `UTC`, `+02:00` or, where `zoneOffset` knows it, `Europe/Vienna`. */
export function localTime(time: Timestamp, zone: string, zoneOffset: ZoneOffset | undefined): LocalTime | CelError {
  const { seconds, nanoseconds } = zonedTime(time);
  const offset = offsetOf(zone, seconds, zoneOffset);
  if (offset instanceof CelError) return offset;
  const local = seconds + offset;
  const days = Math.floor(local / secondsPerDay);
  const date = civilFromDays(days);
  const dayOfYear = days - daysFromCivil(date.year, 1, 1);
  return { ...date, ...clockOfSeconds(local), weekday: weekdayOfDays(days), dayOfYear, nanoseconds };
}

function offsetOf(zone: string, seconds: number, zoneOffset: ZoneOffset | undefined): number | CelError {
  if (zone === "UTC" || zone === "") return 0;
  const colon = zone.indexOf(":");
  if (colon === -1) return namedOffset(zone, seconds, zoneOffset);
  const [hours, minutes] = [goInteger(zone.slice(0, colon)), goInteger(zone.slice(colon + 1))];
  if (hours instanceof CelError) return hours;
  if (minutes instanceof CelError) return minutes;
  return (hours * 60 + (zone.startsWith("-") ? -minutes : minutes)) * 60;
}

/** Go: time.LoadLocation. */
function namedOffset(zone: string, seconds: number, zoneOffset: ZoneOffset | undefined): number | CelError {
  // There is no local zone: a decision must not depend on the machine.
  if (zone === "Local") return 0;
  if (zone.includes("..") || /^[/\\]/.test(zone)) return new CelError("time: invalid location name");
  return zoneOffset?.(zone, seconds * 1000) ?? new CelError(`unknown time zone ${zone}`);
}

/** Go: strconv.Atoi. */
function goInteger(text: string): number | CelError {
  if (!/^[+-]?\d+$/.test(text)) return new CelError(`strconv.Atoi: parsing ${quote(text)}: invalid syntax`);
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : new CelError(`strconv.Atoi: parsing ${quote(text)}: value out of range`);
}
