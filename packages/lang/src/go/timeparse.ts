// Go's time.Parse: a text is read against a layout, element by element; what the layout does not name is zero, or one
// where zero is impossible. Without a zone the time is UTC; an abbreviation counts as UTC, because
// the policy engine has no local zone. Errors have Go's texts. Go: time/format.go parse.

import { daysInMonth, isLeapYear, monthNames, weekdayNames } from "./calendar.ts";
import { type LayoutElement, layoutElements } from "./layout.ts";
import { type ZonedTime, secondsFromCivil } from "./time.ts";

export interface Moment {
  /** Whole seconds since 1970 in UTC, rounded down. */
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
}

/** The moment, or Go's error text: `parsing time "x" as "2006": cannot parse "x" as "2006"`. */
export function parseTime(layout: string, value: string): Moment | { readonly error: string } {
  const time = parseZonedTime(layout, value);
  return "error" in time ? time : { seconds: time.seconds, nanoseconds: time.nanoseconds };
}

/** The same with the offset that the text gave, in which Go prints the moment again. */
export function parseZonedTime(layout: string, value: string): ZonedTime | { readonly error: string } {
  const fields = newFields();
  const reader: Reader = { rest: value, fields };
  const elements = layoutElements(layout);
  const fail = (rest: string, element: string): { error: string } => ({
    error: `parsing time ${quoteTimeText(value)} as ${quoteTimeText(layout)}: cannot parse ${quoteTimeText(rest)} as ${quoteTimeText(element)}`,
  });
  const reject = (why: string): { error: string } => ({ error: `parsing time ${quoteTimeText(value)}: ${why}` });
  for (const [at, element] of elements.entries()) {
    if (element.kind === "literal") {
      const rest = skipLiteral(reader.rest, element.text);
      if (rest.bad) return fail(rest.text, element.text);
      reader.rest = rest.text;
      continue;
    }
    const hold = reader.rest;
    const outcome = readElement(reader, element, nextIsFraction(elements, at));
    if (outcome === "bad") return fail(hold, element.text);
    if (outcome !== "ok") return reject(`${outcome.range} out of range`);
  }
  if (reader.rest !== "") return reject(`extra text: ${quoteTimeText(reader.rest)}`);
  return finish(fields, reject);
}

interface Fields {
  year: number;
  month: number | null;
  day: number | null;
  yearDay: number | null;
  hour: number;
  minute: number;
  second: number;
  nanoseconds: number;
  half: "AM" | "PM" | null;
  /** Seconds east of UTC when the text gave an offset. */
  offset: number;
  /** What `GMT+3` says: it is printed again but does not move the moment. */
  shownOffset: number;
}

interface Reader {
  rest: string;
  readonly fields: Fields;
}

type Outcome = "ok" | "bad" | { readonly range: string };

function newFields(): Fields {
  return {
    year: 0,
    month: null,
    day: null,
    yearDay: null,
    hour: 0,
    minute: 0,
    second: 0,
    nanoseconds: 0,
    half: null,
    offset: 0,
    shownOffset: 0,
  };
}

function nextIsFraction(elements: readonly LayoutElement[], at: number): boolean {
  const next = elements.slice(at + 1, at + 3).find((element) => element.kind !== "literal");
  return next?.kind === "fraction";
}

function readElement(reader: Reader, element: LayoutElement, fractionFollows: boolean): Outcome {
  if (element.kind === "fraction") return readLayoutFraction(reader, element.digits, element.exact);
  if (element.kind === "literal") return "ok";
  const { name } = element;
  if (name.startsWith("Z") || name.startsWith("-")) return readOffset(reader, name);
  return readDatePart(reader, name) ?? readClockPart(reader, name, fractionFollows);
}

function readDatePart(reader: Reader, name: string): Outcome | null {
  const { fields } = reader;
  switch (name) {
    case "06":
      return readTwoDigitYear(reader);
    case "2006": {
      const text = take(reader, 4);
      if (text === null || !/^\d{4}/.test(text)) return "bad";
      fields.year = Number(text);
      return "ok";
    }
    case "Jan":
    case "January": {
      const month = readName(reader, monthNames, name === "Jan");
      fields.month = month + 1;
      return month === -1 ? "bad" : "ok";
    }
    case "1":
    case "01": {
      const month = readNumber(reader, name === "01");
      if (month === null) return "bad";
      fields.month = month;
      return month < 1 || month > 12 ? { range: "month" } : "ok";
    }
    case "Mon":
    case "Monday":
      return readName(reader, weekdayNames, name === "Mon") === -1 ? "bad" : "ok";
    case "2":
    case "_2":
    case "02":
      if (name === "_2" && reader.rest.startsWith(" ")) reader.rest = reader.rest.slice(1);
      fields.day = readNumber(reader, name === "02");
      return fields.day === null ? "bad" : "ok";
    case "__2":
    case "002":
      return readYearDay(reader, name === "002");
    default:
      return null;
  }
}

function readClockPart(reader: Reader, name: string, fractionFollows: boolean): Outcome {
  const { fields } = reader;
  switch (name) {
    case "15":
    case "3":
    case "03": {
      const hour = readNumber(reader, name === "03");
      if (hour === null) return "bad";
      fields.hour = hour;
      return hour > (name === "15" ? 23 : 12) ? { range: "hour" } : "ok";
    }
    case "4":
    case "04": {
      const minute = readNumber(reader, name === "04");
      if (minute === null) return "bad";
      fields.minute = minute;
      return minute >= 60 ? { range: "minute" } : "ok";
    }
    case "5":
    case "05": {
      const second = readNumber(reader, name === "05");
      if (second === null) return "bad";
      fields.second = second;
      if (second >= 60) return { range: "second" };
      return fractionFollows ? "ok" : readOptionalFraction(reader);
    }
    case "PM":
    case "pm": {
      const half = take(reader, 2);
      const upper = half?.toUpperCase();
      if (upper !== "AM" && upper !== "PM") return "bad";
      if (half !== (name === "PM" ? upper : upper.toLowerCase())) return "bad";
      fields.half = upper;
      return "ok";
    }
    default:
      return readZoneName(reader);
  }
}

function readTwoDigitYear(reader: Reader): Outcome {
  const text = take(reader, 2);
  if (text === null || !/^(?:\d\d|[+-]\d)$/.test(text)) return "bad";
  const year = Number(text);
  reader.fields.year = year >= 69 ? year + 1900 : year + 2000;
  return "ok";
}

function readYearDay(reader: Reader, fixed: boolean): Outcome {
  if (!fixed) reader.rest = reader.rest.replace(/^ {1,2}/, "");
  const digits = /^\d{1,3}/.exec(reader.rest)?.[0] ?? "";
  if (digits === "" || (fixed && digits.length !== 3)) return "bad";
  reader.rest = reader.rest.slice(digits.length);
  reader.fields.yearDay = Number(digits);
  return "ok";
}

/** One or two digits; `fixed` wants two. */
function readNumber(reader: Reader, fixed: boolean): number | null {
  const digits = /^\d{1,2}/.exec(reader.rest)?.[0] ?? "";
  if (digits === "" || (fixed && digits.length === 1)) return null;
  reader.rest = reader.rest.slice(digits.length);
  return Number(digits);
}

/** The position of a name that the text begins with, without regard to case; -1 without one. */
function readName(reader: Reader, names: readonly string[], short: boolean): number {
  for (const [at, full] of names.entries()) {
    const name = short ? full.slice(0, 3) : full;
    if (reader.rest.slice(0, name.length).toLowerCase() === name.toLowerCase()) {
      reader.rest = reader.rest.slice(name.length);
      return at;
    }
  }
  return -1;
}

function take(reader: Reader, length: number): string | null {
  if (reader.rest.length < length) return null;
  const text = reader.rest.slice(0, length);
  reader.rest = reader.rest.slice(length);
  return text;
}

/** A fraction after the seconds that the layout does not mention. */
function readOptionalFraction(reader: Reader): Outcome {
  const match = /^[.,](\d+)/.exec(reader.rest);
  if (match !== null) {
    reader.fields.nanoseconds = nanosecondsOf(match[1] as string);
    reader.rest = reader.rest.slice(match[0].length);
  }
  return "ok";
}

function readLayoutFraction(reader: Reader, digits: number, exact: boolean): Outcome {
  if (!exact) return readOptionalFraction(reader);
  const text = take(reader, digits + 1);
  if (text === null || !/^[.,]/.test(text) || !/^\d+$/.test(text.slice(1, 10))) return "bad";
  reader.fields.nanoseconds = nanosecondsOf(text.slice(1));
  return "ok";
}

function nanosecondsOf(digits: string): number {
  return Number(digits.slice(0, 9).padEnd(9, "0"));
}

/** Offset forms by layout element; the groups are sign, hours, minutes and seconds. */
const offsetForms: readonly (readonly [string, RegExp])[] = [
  ["07:00:00", /^([\s\S])([\s\S]{2}):([\s\S]{2}):([\s\S]{2})/],
  ["070000", /^([\s\S])([\s\S]{2})([\s\S]{2})([\s\S]{2})/],
  ["07:00", /^([\s\S])([\s\S]{2}):([\s\S]{2})/],
  ["0700", /^([\s\S])([\s\S]{2})([\s\S]{2})/],
  ["07", /^([\s\S])([\s\S]{2})/],
];

function readOffset(reader: Reader, name: string): Outcome {
  if (name.startsWith("Z") && reader.rest.startsWith("Z")) {
    reader.rest = reader.rest.slice(1);
    return "ok";
  }
  const form = offsetForms.find(([suffix]) => name.slice(1) === suffix);
  const match = form?.[1].exec(reader.rest);
  if (match === null || match === undefined) return "bad";
  const [whole, sign, ...parts] = match;
  const [hours, minutes, seconds] = [0, 1, 2].map((at) => twoDigits(parts[at] ?? "00"));
  // Go looks at ranges before it looks at what failed, and what was not read is zero.
  if ((hours ?? 0) > 24) return { range: "time zone offset hour" };
  if ((minutes ?? 0) > 60 && hours !== null) return { range: "time zone offset minute" };
  if ((seconds ?? 0) > 60 && hours !== null && minutes !== null) return { range: "time zone offset second" };
  if (hours == null || minutes == null || seconds == null || (sign !== "+" && sign !== "-")) return "bad";
  reader.rest = reader.rest.slice(whole.length);
  const offset = (hours * 60 + minutes) * 60 + seconds;
  reader.fields.offset = sign === "-" ? -offset : offset;
  return "ok";
}

function twoDigits(text: string): number | null {
  return /^\d\d$/.test(text) ? Number(text) : null;
}

/**
 * An abbreviation: three capital letters, or four or five that end in T, or GMT with hours, or bare ±hours. Go only
 * remembers it for printing: without a table of zones it does not move the moment, not even for `GMT+3`.
 */
function readZoneName(reader: Reader): Outcome {
  const match = zoneName.exec(reader.rest);
  if (match === null) return "bad";
  const [whole, gmtHours, bareHours] = match;
  if (Math.abs(Number(bareHours ?? 0)) > 23) return "bad";
  const read = Math.abs(Number(gmtHours ?? 0)) > 23 ? "GMT" : whole;
  reader.rest = reader.rest.slice(read.length);
  reader.fields.shownOffset = read === "GMT" ? 0 : Number(gmtHours ?? 0) * 3600;
  return "ok";
}

const zoneName =
  /^(?:UTC|ChST|MeST|GMT([+-]\d+)?|([+-]\d+)|WITA(?![A-Z])|[A-Z]{3}(?:[A-Z](?<=T))?(?![A-Z])|[A-Z]{4}T(?![A-Z]))/;

function finish(fields: Fields, reject: (why: string) => { error: string }): ZonedTime | { error: string } {
  if (fields.half === "PM" && fields.hour < 12) fields.hour += 12;
  else if (fields.half === "AM" && fields.hour === 12) fields.hour = 0;
  if (fields.yearDay !== null) {
    const wrong = applyYearDay(fields, fields.yearDay);
    if (wrong !== null) return reject(wrong);
  }
  const month = fields.month ?? 1;
  const day = fields.day ?? 1;
  if (day < 1 || day > daysInMonth(fields.year, month)) return reject("day out of range");
  const clock = (fields.hour * 60 + fields.minute) * 60 + fields.second;
  const seconds = secondsFromCivil(fields.year, month, day, clock) - fields.offset;
  const offsetSeconds = fields.offset === 0 ? fields.shownOffset : fields.offset;
  return { seconds, nanoseconds: fields.nanoseconds, offsetSeconds, abbreviation: "" };
}

/** Turns a day of the year into month and day; what was read before must agree. */
function applyYearDay(fields: Fields, yearDay: number): string | null {
  if (yearDay < 1 || yearDay > (isLeapYear(fields.year) ? 366 : 365)) return "day-of-year out of range";
  let month = 1;
  let day = yearDay;
  while (day > daysInMonth(fields.year, month)) {
    day -= daysInMonth(fields.year, month);
    month++;
  }
  if (fields.month !== null && fields.month !== month) return "day-of-year does not match month";
  if (fields.day !== null && fields.day !== day) return "day-of-year does not match day";
  fields.month = month;
  fields.day = day;
  return null;
}

/** Removes the literal from the front; runs of spaces match runs of spaces. */
function skipLiteral(value: string, literal: string): { readonly text: string; readonly bad: boolean } {
  let at = 0;
  let expected = 0;
  while (expected < literal.length) {
    if (literal[expected] === " ") {
      if (at < value.length && value[at] !== " ") return { text: value.slice(at), bad: true };
      while (literal[expected] === " ") expected++;
      while (value[at] === " ") at++;
      continue;
    }
    if (value[at] !== literal[expected]) return { text: value.slice(at), bad: true };
    at++;
    expected++;
  }
  return { text: value.slice(at), bad: false };
}

/** Go's time.quote, which is not strconv.Quote: everything outside ASCII as bytes in hexadecimal. */
export function quoteTimeText(text: string): string {
  const body = text.replace(/["\\]|[^ -~\u007f]/gu, (character) =>
    character === '"' || character === "\\" ? `\\${character}` : bytesInHex(character),
  );
  return `"${body}"`;
}

function bytesInHex(character: string): string {
  const encoded = encodeURIComponent(character.toWellFormed());
  const bytes = encoded.startsWith("%") ? encoded.toLowerCase().split("%").slice(1) : [];
  return bytes.map((byte) => `\\x${byte}`).join("");
}
