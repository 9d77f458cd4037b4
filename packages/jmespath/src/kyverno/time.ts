// Functions on times. A time is text in RFC 3339 or in a Go layout; it keeps the offset it was written with and is printed
// in whole seconds. Times are counted in nanoseconds; the machine's own zone is UTC, as in Kyverno's containers.
// Kyverno: pkg/engine/jmespath/time.go.

import {
  type ZonedTime,
  civilFromDays,
  clockOfSeconds,
  durationText,
  formatTime,
  namedLayouts,
  parseDuration,
  parseZonedTime,
  quote,
  secondsPerDay,
  weekdayOfDays,
} from "@portcullis/lang/go";
import type { JmesFunction } from "../functions/function.ts";
import { type Outcome, type Run, SearchError } from "../runtime/run.ts";
import type { Value } from "../runtime/value.ts";
import { libraryError } from "./failure.ts";
import { text } from "./signature.ts";

type Evaluate = JmesFunction["evaluate"];

const rfc3339 = namedLayouts.get("RFC3339") ?? "";
const second = 1_000_000_000n;

/** A moment and the offset in which it is shown. */
interface Time {
  readonly nanoseconds: bigint;
  readonly offsetSeconds: number;
}

function parseMoment(source: string, layout = rfc3339): Time | SearchError {
  const parsed = parseZonedTime(layout, source);
  if ("error" in parsed) return libraryError(parsed.error);
  return {
    nanoseconds: BigInt(parsed.seconds) * second + BigInt(parsed.nanoseconds),
    offsetSeconds: parsed.offsetSeconds,
  };
}

function formatMoment({ nanoseconds, offsetSeconds }: Time): string {
  return formatTime(zoned(nanoseconds, offsetSeconds), rfc3339);
}

function zoned(nanoseconds: bigint, offsetSeconds: number): ZonedTime {
  const seconds = floorDivide(nanoseconds, second);
  return {
    seconds: Number(seconds),
    nanoseconds: Number(nanoseconds - seconds * second),
    offsetSeconds,
    abbreviation: "",
  };
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

function nowOf({ world }: Run): Time {
  return { nanoseconds: BigInt(Math.trunc(world.nowMs * 1e3)) * 1000n, offsetSeconds: 0 };
}

const int64Max = 2n ** 63n - 1n;

/** The duration from one time to another; too long ones are the longest there is. Go: Time.Sub. */
function between(from: Time, to: Time): string {
  const difference = to.nanoseconds - from.nanoseconds;
  if (difference > int64Max) return durationText(int64Max);
  return durationText(difference < -int64Max - 1n ? -int64Max - 1n : difference);
}

/** A function whose first arguments are times; the first that cannot be read is the result. */
function ofTimes(count: number, compute: (times: readonly Time[], rest: readonly Value[]) => Outcome): Evaluate {
  return ({ budget }, ...args) => {
    const times: Time[] = [];
    for (const source of args.slice(0, count) as readonly string[]) {
      budget.step(source.length);
      const time = parseMoment(source);
      if (time instanceof SearchError) return time;
      times.push(time);
    }
    return compute(times, args.slice(count));
  };
}

const since: Evaluate = (run, layoutText, fromText, toText) => {
  const layout = layoutText === "" ? rfc3339 : (layoutText as string);
  run.budget.step(layout.length + (fromText as string).length);
  const from = parseMoment(fromText as string, layout);
  if (from instanceof SearchError) return from;
  const to = toText === "" ? nowOf(run) : parseMoment(toText as string, layout);
  return to instanceof SearchError ? to : between(from, to);
};

const now: Evaluate = (run) => formatMoment(nowOf(run));

/** A layout that is a number means that the value counts seconds since 1970. Kyverno: jpTimeParse. */
const parse: Evaluate = ({ budget }, layout, source) => {
  budget.step((layout as string).length + (source as string).length);
  if ("value" in parseInt64(layout as string)) {
    const seconds = parseInt64(source as string);
    if ("error" in seconds) return libraryError(seconds.error);
    return formatMoment({ nanoseconds: seconds.value * second, offsetSeconds: 0 });
  }
  const time = parseMoment(source as string, layout as string);
  return time instanceof SearchError ? time : formatMoment(time);
};

/** Go: strconv.ParseInt. */
function parseInt64(source: string): { readonly value: bigint } | { readonly error: string } {
  const fail = (why: string): { error: string } => ({ error: `strconv.ParseInt: parsing ${quote(source)}: ${why}` });
  if (!/^[+-]?\d+$/.test(source)) return fail("invalid syntax");
  const digits = source.replace(/^([+-]?)0+(?=\d)/, "$1");
  const value = digits.length > 20 ? int64Max + 1n : BigInt(digits.replace("+", ""));
  return value > int64Max || value < -int64Max - 1n ? fail("value out of range") : { value };
}

/** `minute hour day month weekday`, on the clock that the text shows. */
const toCron = ofTimes(1, ([time]) => {
  const { nanoseconds, offsetSeconds } = time as Time;
  const local = Number(floorDivide(nanoseconds, second)) + offsetSeconds;
  const days = Math.floor(local / secondsPerDay);
  const { hour, minute } = clockOfSeconds(local);
  const { day, month } = civilFromDays(days);
  return [minute, hour, day, month, weekdayOfDays(days)].join(" ");
});

function withDuration(compute: (time: Time, duration: bigint) => Time): Evaluate {
  return ofTimes(1, ([time], [durationArgument]) => {
    const duration = parseDuration(durationArgument as string);
    if (typeof duration !== "bigint") return libraryError(duration.error);
    return formatMoment(compute(time as Time, duration));
  });
}

/** Nanoseconds from the first of January of year 1, from which Go counts multiples, to 1970. */
const zeroTime = 62_135_596_800n * second;

/** Down to a multiple of the duration. Go: Time.Truncate. */
function truncate(time: Time, duration: bigint): Time {
  if (duration <= 0n) return time;
  const whole = floorDivide(time.nanoseconds + zeroTime, duration) * duration;
  return { ...time, nanoseconds: whole - zeroTime };
}

export const timeFunctions: readonly JmesFunction[] = [
  { name: "time_since", parameters: [text, text, text], evaluate: since },
  { name: "time_now", parameters: [], evaluate: now },
  { name: "time_now_utc", parameters: [], evaluate: now },
  { name: "time_parse", parameters: [text, text], evaluate: parse },
  { name: "time_to_cron", parameters: [text], evaluate: toCron },
  {
    name: "time_add",
    parameters: [text, text],
    evaluate: withDuration((time, duration) => ({ ...time, nanoseconds: time.nanoseconds + duration })),
  },
  { name: "time_truncate", parameters: [text, text], evaluate: withDuration(truncate) },
  {
    name: "time_utc",
    parameters: [text],
    evaluate: ofTimes(1, ([time]) => formatMoment({ ...(time as Time), offsetSeconds: 0 })),
  },
  {
    name: "time_diff",
    parameters: [text, text],
    evaluate: ofTimes(2, ([from, to]) => between(from as Time, to as Time)),
  },
  {
    name: "time_before",
    parameters: [text, text],
    evaluate: ofTimes(2, ([time, other]) => (time as Time).nanoseconds < (other as Time).nanoseconds),
  },
  {
    name: "time_after",
    parameters: [text, text],
    evaluate: ofTimes(2, ([time, other]) => (time as Time).nanoseconds > (other as Time).nanoseconds),
  },
  {
    name: "time_between",
    parameters: [text, text, text],
    evaluate: ofTimes(3, (times) => {
      const [time, start, end] = times.map(({ nanoseconds }) => nanoseconds) as [bigint, bigint, bigint];
      return time > start && time < end;
    }),
  },
];
