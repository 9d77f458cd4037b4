// Time. A moment is a number of nanoseconds since 1970 that fits Go's int64, kept exactly (BigInt inside, a Decimal beyond
// 2^53 outside); calendars are computed in plain numbers, zones are asked of the host. OPA: v1/topdown/time.go.

import { type AnyNumber, integerOf, numberOf } from "@portcullis/lang";
import {
  type ZonedTime,
  civilFromDays,
  clockOfSeconds,
  daysFromCivil,
  formatTime,
  namedLayouts,
  parseTime,
  secondsFromCivil,
  secondsPerDay,
  weekdayNames,
  weekdayOfDays,
} from "@portcullis/lang/go";
import { type Value, isArray, isNumber } from "../runtime/value.ts";
import { type Type, t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { parseExtendedDuration } from "./timeduration.ts";
import { intOperand, onString } from "./operand.ts";

const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);
const nanosPerSecond = 1_000_000_000n;

/** A time in a zone, and the layout that may come with it. */
interface ZonedOperand extends ZonedTime {
  readonly zone: string;
  readonly layout: string;
}

/** `ns`, `[ns]`, `[ns, zone]` or `[ns, zone, layout]`. Undefined after reporting. OPA: tzTime. */
function timeOperand(call: BuiltinCall, value: Value): ZonedOperand | undefined {
  const parts = isArray(value) ? value : isNumber(value) ? [value] : [];
  const [ns, zone = "UTC", layout = ""] = parts;
  if (ns === undefined) {
    return operandError(call, 1, value, "either number (ns) or [number (ns), string (tz)]" as "number");
  }
  if (!isNumber(ns)) return operandError(call, 1, ns, "number");
  if (typeof zone !== "string") return operandError(call, 1, zone, "string");
  const nanos = integerOf(ns);
  const fits = nanos !== null && nanos <= int64Max && nanos >= int64Min;
  const located = locate(call, zone, fits ? nanos : 0n);
  if (located === undefined) return undefined;
  if (typeof layout !== "string") return operandError(call, 1, layout, "string");
  if (!fits) return call.fail("timestamp too big");
  return { ...located, zone, layout };
}

/** The moment in a zone of the host's database. Go: time.LoadLocation. */
function locate(call: BuiltinCall, zone: string, nanos: bigint): ZonedTime | undefined {
  const { seconds, nanoseconds } = splitNanos(nanos);
  const name = zone === "" ? "UTC" : zone;
  if (name === "UTC") return { seconds, nanoseconds, offsetSeconds: 0, abbreviation: "UTC" };
  if (name.includes("..") || /^[/\\]/.test(name)) return call.fail("time: invalid location name");
  const found = call.world.host.zone(name, seconds * 1000);
  if (found === null) {
    // There is no local zone: a decision must not depend on the machine.
    if (name === "Local") return { seconds, nanoseconds, offsetSeconds: 0, abbreviation: "UTC" };
    return call.fail(`unknown time zone ${name}`);
  }
  return { seconds, nanoseconds, ...found };
}

function splitNanos(nanos: bigint): { readonly seconds: number; readonly nanoseconds: number } {
  const nanoseconds = ((nanos % nanosPerSecond) + nanosPerSecond) % nanosPerSecond;
  return { seconds: Number((nanos - nanoseconds) / nanosPerSecond), nanoseconds: Number(nanoseconds) };
}

/** The number of a moment; Go's range for it is 1677 to 2262. OPA: toSafeUnixNano. */
function nanosOf(call: BuiltinCall, seconds: number, nanoseconds: number): AnyNumber | undefined {
  if (!Number.isSafeInteger(seconds)) return call.fail("time outside of valid range");
  const nanos = BigInt(seconds) * nanosPerSecond + BigInt(nanoseconds);
  return nanos > int64Max || nanos < int64Min ? call.fail("time outside of valid range") : numberOf(String(nanos));
}

function now(call: BuiltinCall): Value {
  const milliseconds = Math.floor(call.world.nowMs);
  const rest = Math.floor((call.world.nowMs - milliseconds) * 1_000_000);
  return numberOf(String(BigInt(milliseconds) * 1_000_000n + BigInt(rest)));
}

function parseLayout(call: BuiltinCall, layout: Value, value: Value): Value | undefined {
  if (typeof layout !== "string") return operandError(call, 1, layout, "string");
  if (typeof value !== "string") return operandError(call, 2, value, "string");
  call.budget.step(layout.length + value.length);
  const moment = parseTime(namedLayouts.get(layout) ?? layout, value);
  return "error" in moment ? call.fail(moment.error) : nanosOf(call, moment.seconds, moment.nanoseconds);
}

function parseDuration(call: BuiltinCall, text: string): Value | undefined {
  call.budget.step(text.length);
  const duration = parseExtendedDuration(text);
  return typeof duration === "bigint" ? numberOf(String(duration)) : call.fail(duration.error);
}

/** A built-in of one time in a zone. */
function onTime(run: (time: ZonedOperand, call: BuiltinCall) => Value): Builtin["evaluate"] {
  return (call, value = null) => {
    const time = timeOperand(call, value);
    return time === undefined ? undefined : run(time, call);
  };
}

function formatOperand(time: ZonedOperand, call: BuiltinCall): Value {
  const layout = time.layout === "" ? "RFC3339Nano" : time.layout;
  call.budget.output(layout.length * 4 + 32);
  return formatTime(time, namedLayouts.get(layout) ?? layout);
}

function localSeconds(time: ZonedTime): number {
  return time.seconds + time.offsetSeconds;
}

function localDays(time: ZonedTime): number {
  return Math.floor(localSeconds(time) / secondsPerDay);
}

function dateOf(time: ZonedTime): Value {
  const { year, month, day } = civilFromDays(localDays(time));
  return [year, month, day];
}

function clockOf(time: ZonedTime): Value {
  const { hour, minute, second } = clockOfSeconds(localSeconds(time));
  return [hour, minute, second];
}

/** Adds to the date in the time's own zone and keeps its clock there. Go: Time.AddDate and time.Date. */
function addDate(call: BuiltinCall, value: Value, years: Value, months: Value, days: Value): Value | undefined {
  const time = timeOperand(call, value);
  if (time === undefined) return undefined;
  const addYears = intOperand(call, 2, years);
  if (addYears === undefined) return undefined;
  const addMonths = intOperand(call, 3, months);
  if (addMonths === undefined) return undefined;
  const addDays = intOperand(call, 4, days);
  if (addDays === undefined) return undefined;
  const date = civilFromDays(localDays(time));
  const inDay = localSeconds(time) - localDays(time) * secondsPerDay;
  const local = secondsFromCivil(date.year + addYears, date.month + addMonths, date.day + addDays, inDay);
  if (!Number.isSafeInteger(local)) return call.fail("time outside of valid range");
  return nanosOf(call, fromLocal(call, time.zone, local), time.nanoseconds);
}

/**
 * The moment at which clocks of the zone show this time. In a gap or an overlap it is the one that Go picks: the offset at
 * the wanted time read as UTC, then the offset at the moment which that gives. Go: time.Date.
 */
function fromLocal(call: BuiltinCall, zone: string, local: number): number {
  if (zone === "" || zone === "UTC") return local;
  const offsetAt = (seconds: number): number => call.world.host.zone(zone, seconds * 1000)?.offsetSeconds ?? 0;
  const first = offsetAt(local);
  return first === 0 ? local : local - offsetAt(local - first);
}

/** Calendar difference, the earlier time first, in the first one's zone. OPA: builtinDiff. */
function diff(call: BuiltinCall, a: Value, b: Value): Value | undefined {
  const first = timeOperand(call, a);
  if (first === undefined) return undefined;
  const other = timeOperand(call, b);
  if (other === undefined) return undefined;
  const nanos = BigInt(other.seconds) * nanosPerSecond + BigInt(other.nanoseconds);
  const moved = other.zone === first.zone ? other : locate(call, first.zone, nanos);
  if (moved === undefined) return undefined;
  const swap =
    first.seconds > moved.seconds || (first.seconds === moved.seconds && first.nanoseconds > moved.nanoseconds);
  return swap ? calendarDifference(moved, first) : calendarDifference(first, moved);
}

function calendarDifference(from: ZonedTime, to: ZonedTime): Value {
  const start = civilFromDays(localDays(from));
  const end = civilFromDays(localDays(to));
  const startClock = clockOfSeconds(localSeconds(from));
  const endClock = clockOfSeconds(localSeconds(to));
  const parts = [
    end.year - start.year,
    end.month - start.month,
    end.day - start.day,
    endClock.hour - startClock.hour,
    endClock.minute - startClock.minute,
    endClock.second - startClock.second,
  ];
  // What is negative borrows from the next larger part; a day borrows the length of the first month.
  const firstMonth = daysFromCivil(start.year, start.month + 1, 1) - daysFromCivil(start.year, start.month, 1);
  const sizes = [0, 12, firstMonth, 24, 60, 60];
  for (let at = parts.length - 1; at > 0; at--) {
    if ((parts[at] as number) < 0) {
      parts[at] = (parts[at] as number) + (sizes[at] as number);
      parts[at - 1] = (parts[at - 1] as number) - 1;
    }
  }
  return parts;
}

const zonedNs: Type = t.union(t.number, t.tuple(t.number, t.string));
const zonedLayout: Type = t.union(t.number, t.tuple(t.number, t.string), t.tuple(t.number, t.string, t.string));
const threeNumbers: Type = t.tuple(t.number, t.number, t.number);
const sixNumbers: Type = t.tuple(t.number, t.number, t.number, t.number, t.number, t.number);

export const timeBuiltins: readonly Builtin[] = [
  { name: "time.now_ns", type: t.function([], t.number), nondeterministic: true, evaluate: now },
  { name: "time.parse_ns", type: t.function([t.string, t.string], t.number), evaluate: parseLayout },
  {
    name: "time.parse_rfc3339_ns",
    type: t.function([t.string], t.number),
    evaluate: onString((call, text) => parseLayout(call, "RFC3339", text)),
  },
  { name: "time.parse_duration_ns", type: t.function([t.string], t.number), evaluate: onString(parseDuration) },
  { name: "time.format", type: t.function([zonedLayout], t.string), evaluate: onTime(formatOperand) },
  { name: "time.date", type: t.function([zonedNs], threeNumbers), evaluate: onTime(dateOf) },
  { name: "time.clock", type: t.function([zonedNs], threeNumbers), evaluate: onTime(clockOf) },
  {
    name: "time.weekday",
    type: t.function([zonedNs], t.string),
    evaluate: onTime((time) => weekdayNames[weekdayOfDays(localDays(time))] as string),
  },
  {
    name: "time.add_date",
    type: t.function([t.number, t.number, t.number, t.number], t.number),
    evaluate: addDate,
  },
  { name: "time.diff", type: t.function([zonedNs, zonedNs], sixNumbers), evaluate: diff },
];
