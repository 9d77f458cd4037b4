// Go's time.Format and time.Parse over layouts, on plain numbers: a moment is whole seconds since 1970 (UTC) with
// nanoseconds beside it, so nothing is lost between years -9999 and 9999. Errors have Go's texts, byte for byte.
// Go: time/format.go.

import {
  civilFromDays,
  clockOfSeconds,
  daysFromCivil,
  monthNames,
  secondsPerDay,
  weekdayNames,
  weekdayOfDays,
  yearDay,
} from "./calendar.ts";
import { type ElementName, layoutElements } from "./layout.ts";

/** A moment in a zone. */
export interface ZonedTime {
  /** Whole seconds since 1970 in UTC, rounded down. */
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
  /** East of UTC. */
  readonly offsetSeconds: number;
  /** The zone's abbreviation; empty when it has none. */
  readonly abbreviation: string;
}

/** The time in a Go layout. */
export function formatTime(time: ZonedTime, layout: string): string {
  let text = "";
  for (const element of layoutElements(layout)) {
    if (element.kind === "literal") text += element.text;
    else if (element.kind === "fraction") text += formatFraction(time.nanoseconds, element);
    else text += formatElement(time, element.name);
  }
  return text;
}

function formatElement(time: ZonedTime, name: ElementName): string {
  const zone = formatZone(time, name);
  if (zone !== null) return zone;
  const local = time.seconds + time.offsetSeconds;
  const days = Math.floor(local / secondsPerDay);
  return formatDate(days, name) ?? formatClock(local, name);
}

function formatDate(days: number, name: string): string | null {
  const date = civilFromDays(days);
  switch (name) {
    case "06":
      return padded(Math.abs(date.year) % 100, 2);
    case "2006":
      return padded(date.year, 4);
    case "Jan":
      return (monthNames[date.month - 1] as string).slice(0, 3);
    case "January":
      return monthNames[date.month - 1] as string;
    case "1":
      return String(date.month);
    case "01":
      return padded(date.month, 2);
    case "Mon":
      return (weekdayNames[weekdayOfDays(days)] as string).slice(0, 3);
    case "Monday":
      return weekdayNames[weekdayOfDays(days)] as string;
    case "2":
      return String(date.day);
    case "_2":
      return String(date.day).padStart(2, " ");
    case "02":
      return padded(date.day, 2);
    case "__2":
      return String(yearDay(date)).padStart(3, " ");
    case "002":
      return padded(yearDay(date), 3);
    default:
      return null;
  }
}

function formatClock(local: number, name: string): string {
  const { hour, minute, second } = clockOfSeconds(local);
  const hour12 = hour % 12 === 0 ? 12 : hour % 12;
  switch (name) {
    case "15":
      return padded(hour, 2);
    case "3":
      return String(hour12);
    case "03":
      return padded(hour12, 2);
    case "4":
      return String(minute);
    case "04":
      return padded(minute, 2);
    case "5":
      return String(second);
    case "05":
      return padded(second, 2);
    case "PM":
      return hour >= 12 ? "PM" : "AM";
    default:
      return hour >= 12 ? "pm" : "am";
  }
}

/** The forms of the zone; null for an element that is not one. */
function formatZone(time: ZonedTime, name: ElementName): string | null {
  if (name === "MST") return time.abbreviation === "" ? formatOffset(time.offsetSeconds, "-0700") : time.abbreviation;
  if (name.startsWith("Z")) return time.offsetSeconds === 0 ? "Z" : formatOffset(time.offsetSeconds, name);
  return name.startsWith("-") ? formatOffset(time.offsetSeconds, name) : null;
}

function formatOffset(offsetSeconds: number, name: string): string {
  // Go cuts the offset to minutes before it looks at the sign: -30 seconds is written with a plus.
  const minutes = Math.trunc(offsetSeconds / 60);
  const sign = minutes < 0 ? "-" : "+";
  const colon = name.includes(":") ? ":" : "";
  const absolute = Math.abs(minutes);
  let text = sign + padded(Math.floor(absolute / 60), 2);
  if (name.length > 3) text += colon + padded(absolute % 60, 2);
  if (name.endsWith("00:00") || name.endsWith("0000")) {
    text += colon + padded((minutes < 0 ? -offsetSeconds : offsetSeconds) % 60, 2);
  }
  return text;
}

function formatFraction(nanoseconds: number, element: { text: string; digits: number; exact: boolean }): string {
  const digits = padded(nanoseconds, 9).slice(0, element.digits);
  const kept = element.exact ? digits : digits.replace(/(?<!0)0+$/, "");
  return kept === "" ? "" : element.text.charAt(0) + kept;
}

/** Go's appendInt: zeros between the sign and the digits, and the sign is not counted. */
function padded(value: number, width: number): string {
  const digits = String(Math.abs(value)).padStart(width, "0");
  return value < 0 ? `-${digits}` : digits;
}

/** Seconds since 1970 in UTC of a date and clock in UTC; parts out of range carry over, as in Go's time.Date. */
export function secondsFromCivil(year: number, month: number, day: number, secondsOfDay: number): number {
  return daysFromCivil(year, month, day) * secondsPerDay + secondsOfDay;
}
