// Schedules of five fields (minute, hour, day of month, month, day of week), with names of months and days, ranges, lists and
// steps, and the descriptors `@hourly` to `@yearly` and `@every 1h30m`. Kyverno checks a schedule with one library and runs
// it with another: what is taken here is what the first takes. Days follow the second: where both day fields say
// something, a day of either counts. Times are in UTC, as in Kyverno's container.
// Behaviour from robfig/cron 1.2 parser.go and supercronic cronexpr.

import { civilFromDays, daysFromCivil, parseDuration, secondsPerDay, weekdayOfDays } from "@portcullis/lang/go";

export type Schedule = Calendar | { readonly everyMs: number };

interface Calendar {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** Null: every day, as far as the other one does not say more. */
  readonly days: ReadonlySet<number> | null;
  readonly weekdays: ReadonlySet<number> | null;
}

/** Reads a schedule; null when it is none. */
export function parseSchedule(text: string): Schedule | null {
  if (text.startsWith("@")) return parseDescriptor(text);
  const fields = text.split(/\s+/u).filter((field) => field !== "");
  if (fields.length !== 5) return null;
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  const minutes = parseField(minute, { min: 0, max: 59 });
  const hours = parseField(hour, { min: 0, max: 23 });
  const days = parseField(day, { min: 1, max: 31 });
  const months = parseField(month, { min: 1, max: 12, names: monthNames });
  const weekdays = parseField(weekday, { min: 0, max: 6, names: dayNames });
  if (minutes === null || hours === null || days === null || months === null || weekdays === null) return null;
  return { minutes, hours, months, days: isFree(day) ? null : days, weekdays: isFree(weekday) ? null : weekdays };
}

const descriptors: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

function parseDescriptor(text: string): Schedule | null {
  if (Object.hasOwn(descriptors, text)) return parseSchedule(descriptors[text] ?? "");
  const every = "@every ";
  const duration = text.startsWith(every) ? parseDuration(text.slice(every.length)) : null;
  if (typeof duration !== "bigint") return null;
  // Shorter than a second is a second.
  return { everyMs: Math.max(1000, Math.floor(Number(duration) / 1_000_000_000) * 1000) };
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const monthNames = ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** One asterisk alone in its list frees the field. */
function isFree(field: string): boolean {
  return field.split(",").some((part) => part === "*" || part === "?");
}

function parseField(field: string, bounds: Bounds): ReadonlySet<number> | null {
  const values = new Set<number>();
  for (const part of field.split(",")) {
    if (part === "") continue;
    const range = parseRange(part, bounds);
    if (range === null) return null;
    for (let value = range.first; value <= range.last; value += range.step) values.add(value);
  }
  return values.size === 0 ? null : values;
}

interface Range {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

function parseRange(text: string, bounds: Bounds): Range | null {
  const [span = "", stepText, ...tooManySteps] = text.split("/");
  const [low = "", high, ...tooManyEnds] = span.split("-");
  if (tooManySteps.length > 0) return null;
  const step = stepText === undefined ? 1 : parseNumber(stepText);
  if (step === null || step === 0) return null;
  if (low === "*" || low === "?") return { first: bounds.min, last: bounds.max, step };
  const first = parseValue(low, bounds);
  const end = high === undefined ? first : parseValue(high, bounds);
  if (first === null || end === null || tooManyEnds.length > 0) return null;
  const last = high === undefined && stepText !== undefined ? bounds.max : end;
  return first < bounds.min || last > bounds.max || first > last ? null : { first, last, step };
}

function parseValue(text: string, { names }: Bounds): number | null {
  const named = text === "" ? -1 : (names?.indexOf(text.toLowerCase()) ?? -1);
  return named === -1 ? parseNumber(text) : named;
}

function parseNumber(text: string): number | null {
  return /^\+?\d{1,9}$/.test(text) ? Number(text) : null;
}

/** Months that are looked through: a 29th of February comes at least every eight years. */
const monthsMax = 12 * 9;

/** The first time after a moment, both in milliseconds since 1970; null when there is none. */
export function nextTime(schedule: Schedule, afterMs: number): number | null {
  if ("everyMs" in schedule) return Math.floor(afterMs / 1000) * 1000 + schedule.everyMs;
  const start = (Math.floor(afterMs / 60_000) + 1) * 60;
  const startDay = Math.floor(start / secondsPerDay);
  const today = civilFromDays(startDay);
  for (let turn = 0; turn < monthsMax; turn++) {
    const firstDay = daysFromCivil(today.year, today.month + turn, 1);
    const found = timeInMonth(schedule, { firstDay, startDay, startSecond: start - startDay * secondsPerDay });
    if (found !== null) return found * 1000;
  }
  return null;
}

interface Search {
  readonly firstDay: number;
  /** Nothing before this day, and on it nothing before the second. */
  readonly startDay: number;
  readonly startSecond: number;
}

function timeInMonth(calendar: Calendar, { firstDay, startDay, startSecond }: Search): number | null {
  const { year, month } = civilFromDays(firstDay);
  if (!calendar.months.has(month)) return null;
  const end = daysFromCivil(year, month + 1, 1);
  for (let day = Math.max(firstDay, startDay); day < end; day++) {
    if (!isDay(calendar, day, day - firstDay + 1)) continue;
    const second = secondInDay(calendar, day === startDay ? startSecond : 0);
    if (second !== null) return day * secondsPerDay + second;
  }
  return null;
}

function isDay({ days, weekdays }: Calendar, day: number, ofMonth: number): boolean {
  if (days === null && weekdays === null) return true;
  return (days?.has(ofMonth) ?? false) || (weekdays?.has(weekdayOfDays(day)) ?? false);
}

function secondInDay({ hours, minutes }: Calendar, from: number): number | null {
  for (let hour = Math.floor(from / 3600); hour < 24; hour++) {
    if (!hours.has(hour)) continue;
    const first = hour === Math.floor(from / 3600) ? Math.floor(from / 60) % 60 : 0;
    for (let minute = first; minute < 60; minute++) if (minutes.has(minute)) return hour * 3600 + minute * 60;
  }
  return null;
}
