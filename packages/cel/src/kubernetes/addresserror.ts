// What Go's netip.ParseAddr says of a text that is no address. Go: net/netip/netip.go ParseAddr, parseIPv4Fields, parseIPv6.

import { quote } from "@portcullis/lang/go";

/** Null for an address, also one with a zone. */
export function addressError(text: string): string | null {
  const first = /[.:%]/.exec(text)?.[0];
  const problem = first === "." ? fourFieldsProblem(text) : first === ":" ? ipv6Problem(text) : missing(first);
  if (problem === null) return null;
  const at = problem.at === undefined || problem.at === "" ? "" : ` (at ${quote(problem.at)})`;
  return `ParseAddr(${quote(text)}): ${problem.why}${at}`;
}

interface Problem {
  readonly why: string;
  /** What was not read. */
  readonly at?: string;
}

function missing(first: string | undefined): Problem {
  return { why: first === "%" ? "missing IPv6 address" : "unable to parse IP" };
}

/** Of `1.2.3.4`. */
function fourFieldsProblem(text: string): Problem | null {
  let fields = 0;
  let digits = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === ".") {
      if (at === 0 || at === text.length - 1 || text[at - 1] === ".") {
        return { why: "IPv4 field must have at least one digit", at: text.slice(at) };
      }
      if (fields === 3) return { why: "IPv4 address too long" };
      fields++;
      digits = "";
    } else if (character >= "0" && character <= "9") {
      if (digits === "0") return { why: "IPv4 field has octet with leading zero" };
      digits += character;
      if (Number(digits) > 255) return { why: "IPv4 field has value >255" };
    } else return { why: "unexpected character", at: text.slice(at) };
  }
  return fields < 3 ? { why: "IPv4 address too short" } : null;
}

interface Reading {
  rest: string;
  /** Bytes so far. */
  length: number;
  /** At how many bytes `::` stands; -1 for nowhere. */
  ellipsis: number;
}

function ipv6Problem(text: string): Problem | null {
  const percent = text.indexOf("%");
  if (percent !== -1 && percent === text.length - 1) return { why: "zone must be a non-empty string" };
  const bare = percent === -1 ? text : text.slice(0, percent);
  const startsEmpty = bare.startsWith("::");
  const reading: Reading = { rest: startsEmpty ? bare.slice(2) : bare, length: 0, ellipsis: startsEmpty ? 0 : -1 };
  if (startsEmpty && reading.rest === "") return null;
  while (reading.length < 16) {
    const outcome = readGroup(reading);
    if (outcome === "end") break;
    if (outcome !== "more") return outcome;
  }
  if (reading.rest !== "") return { why: "trailing garbage after address", at: reading.rest };
  if (reading.length < 16) return reading.ellipsis === -1 ? { why: "address string too short" } : null;
  return reading.ellipsis === -1 ? null : { why: "the :: must expand to at least one field of zeros" };
}

function readGroup(reading: Reading): Problem | "more" | "end" {
  const { rest } = reading;
  // Of more than four digits only the fifth counts: it is wrong.
  const [digits = ""] = /^[0-9a-fA-F]{0,5}/.exec(rest) ?? [];
  if (digits.length > 4) return { why: "each group must have 4 or less digits", at: rest };
  if (digits === "") return { why: "each colon-separated field must have at least one digit", at: rest };
  if (rest[digits.length] === ".") return readEmbedded(reading);
  reading.length += 2;
  reading.rest = rest.slice(digits.length);
  return reading.rest === "" ? "end" : readColon(reading);
}

/** Four decimal fields at the end. */
function readEmbedded(reading: Reading): Problem | "end" {
  const { rest } = reading;
  if (reading.ellipsis === -1 && reading.length !== 12) {
    return { why: "embedded IPv4 address must replace the final 2 fields of the address", at: rest };
  }
  if (reading.length + 4 > 16) {
    return { why: "too many hex fields to fit an embedded IPv4 at the end of the address", at: rest };
  }
  const problem = fourFieldsProblem(rest);
  if (problem !== null) return problem;
  reading.length += 4;
  reading.rest = "";
  return "end";
}

function readColon(reading: Reading): Problem | "more" | "end" {
  const { rest } = reading;
  if (!rest.startsWith(":")) return { why: "unexpected character, want colon", at: rest };
  if (rest.length === 1) return { why: "colon must be followed by more characters", at: rest };
  reading.rest = rest.slice(1);
  if (!reading.rest.startsWith(":")) return "more";
  if (reading.ellipsis !== -1) return { why: "multiple :: in address", at: reading.rest };
  reading.ellipsis = reading.length;
  reading.rest = rest.slice(2);
  return reading.rest === "" ? "end" : "more";
}
