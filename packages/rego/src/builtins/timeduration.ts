// OPA's durations: Go's, and days, weeks and years (365 days), which are rewritten to hours before Go's parser reads them.
// OPA: v1/topdown/time.go parseExtendedDuration, durationparser/duration.peg.

import { Decimal } from "@portcullis/lang";
import { parseDuration } from "@portcullis/lang/go";

const hoursOf: ReadonlyMap<string, number> = new Map([
  ["d", 24],
  ["w", 168],
  ["y", 8760],
]);

/** Nanoseconds, or the error's text. */
export function parseExtendedDuration(text: string): bigint | { readonly error: string } {
  const invalid = { error: `time: invalid duration ${JSON.stringify(text)}` };
  if (text === "") return invalid;
  if (!/[dwy]/.test(text)) return parseDuration(text);
  if (!/^[+-]?(?:[0-9.]+(?:ms|us|µs|ns|[a-z]))+$/u.test(text)) return invalid;
  let badNumber = false;
  const rewritten = text.replace(
    /(?<![0-9.])([0-9.]+)(ms|us|µs|ns|[a-z])/gu,
    (segment, digits: string, unit: string) => {
      const hours = hoursOf.get(unit);
      if (hours === undefined) return segment;
      badNumber ||= !/^(?:\d+(?:\.\d*)?|\.\d+)$/.test(digits);
      return `${plainText(Number(digits) * hours)}h`;
    },
  );
  if (badNumber) return invalid;
  const duration = parseDuration(rewritten);
  if (typeof duration === "bigint") return duration;
  // The user wrote days, so the error shows the days.
  return { error: `${duration.error.replace(/ [^ ]*$/, "")} ${JSON.stringify(text)}` };
}

/** A number of hours without exponent, as Go's 'f' format writes it. */
function plainText(value: number): string {
  const text = String(value);
  if (!text.includes("e")) return text;
  const { digits, exponent } = new Decimal(text).parts;
  return exponent >= 0 ? `${digits}${"0".repeat(exponent)}` : `0.${String(digits).padStart(-exponent, "0")}`;
}
