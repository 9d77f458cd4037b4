// Functions on texts: Go's strings package, regular expressions and wildcards. Positions and lengths count characters, not
// UTF-16 units. Kyverno: pkg/engine/jmespath/functions.go.

import {
  type Regex,
  compileRegex,
  matchesWildcard,
  replaceByRegex,
  searchFor,
  toLower,
  toUpper,
} from "@portcullis/lang/go";
import { createPieces } from "@portcullis/lang";
import type { JmesFunction } from "../functions/function.ts";
import { chargeList } from "../runtime/extent.ts";
import { compareTexts } from "../runtime/order.ts";
import type { Run, SearchError } from "../runtime/run.ts";
import { GoInteger, type Value, numberOf } from "../runtime/value.ts";
import { functionError, libraryError } from "./failure.ts";
import { float32Text, toInt64 } from "./gofloat.ts";
import { number, text, textOrNumber } from "./signature.ts";

type Evaluate = JmesFunction["evaluate"];

/** A function of texts only, which costs about their length. */
function ofTexts(compute: (...texts: readonly string[]) => Value): Evaluate {
  return ({ budget }, ...args) => {
    const texts = args as readonly string[];
    budget.output(texts.reduce((total, one) => total + one.length, 0));
    return compute(...texts);
  };
}

/** Equal when upper and lower case do not count, character by character. Go: strings.EqualFold. */
function equalFold(left = "", right = ""): boolean {
  return left === right || folded(left) === folded(right);
}

/** Characters that fold together have the same lower case of their upper case. */
function folded(value: string): string {
  return toLower(toUpper(value));
}

// ── replacing and cutting

/** Go: strings.Replace; without a limit when it is negative. An empty `old` stands before every character and at the end. */
function replaceTexts({ budget }: Run, [subject, old, by]: readonly string[], limit: number): string {
  const source = subject as string;
  const replacement = by as string;
  const sought = old as string;
  const most = limit < 0 ? Infinity : limit;
  const search = sought === "" ? null : searchFor(sought, source, (units) => budget.step(units));
  const result = createPieces();
  let copied = 0;
  let at = search === null ? 0 : search.next(0);
  for (let count = 0; at !== -1 && at <= source.length && count < most; count++) {
    budget.output(at - copied + replacement.length);
    result.add(source.slice(copied, at));
    result.add(replacement);
    copied = at + sought.length;
    at = search === null ? at + widthAt(source, at) : search.next(copied);
  }
  budget.output(source.length - copied);
  result.add(source.slice(copied));
  return result.text();
}

function widthAt(source: string, at: number): number {
  return (source.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

/** Go: strings.Trim. */
function trim(subject = "", cutset = ""): string {
  const characters = Array.from(subject);
  const cut = new Set(Array.from(cutset));
  const first = characters.findIndex((character) => !cut.has(character));
  if (first === -1) return "";
  return characters.slice(first, characters.findLastIndex((character) => !cut.has(character)) + 1).join("");
}

function trimPrefix(subject = "", prefix = ""): string {
  return subject.startsWith(prefix) ? subject.slice(prefix.length) : subject;
}

/** Go: strings.Split. */
const split: Evaluate = ({ budget }, subject, separator) => {
  const source = subject as string;
  const sought = separator as string;
  budget.output(source.length + sought.length);
  if (sought === "") {
    chargeList(source.length, budget);
    return Array.from(source);
  }
  const search = searchFor(sought, source, (units) => budget.step(units));
  const parts: string[] = [];
  let from = 0;
  for (let at = search.next(0); at !== -1; at = search.next(from)) {
    chargeList(1, budget);
    parts.push(source.slice(from, at));
    from = at + sought.length;
  }
  parts.push(source.slice(from));
  return parts;
};

const truncate: Evaluate = ({ budget }, subject, length) => {
  const most = Number(toInt64(numberOf(length ?? null) ?? 0));
  if (most < 1) return "";
  const source = subject as string;
  budget.output(Math.min(most, source.length));
  // A character is one or two UTF-16 units.
  return source.length <= most
    ? source
    : Array.from(source.slice(0, 2 * most))
        .slice(0, most)
        .join("");
};

// ── matching

/** A number or text as the text that is matched. Kyverno: ifaceToString. */
function matchable(value: Value | undefined): string {
  return typeof value === "string" ? value : float32Text(numberOf(value ?? null) ?? Number.NaN);
}

function regexOf({ budget }: Run, pattern: string): Regex | { readonly error: string } {
  budget.step(pattern.length);
  const compiled = compileRegex(pattern);
  return "regex" in compiled ? compiled.regex : compiled;
}

const regexMatch: Evaluate = (run, pattern, subject) => {
  const regex = regexOf(run, pattern as string);
  if ("error" in regex) return libraryError(regex.error);
  return regex.test(matchable(subject), (steps) => {
    run.budget.step(steps);
  });
};

function replaceAllMatches(run: Run, name: string, args: readonly Value[], template: string): string | SearchError {
  const regex = regexOf(run, args[0] as string);
  if ("error" in regex) return functionError(name, regex.error);
  return replaceByRegex(regex, {
    text: matchable(args[1]),
    template,
    step: (steps) => {
      run.budget.step(steps);
    },
    output: (characters) => {
      run.budget.output(characters);
    },
  });
}

const regexReplaceAll: Evaluate = (run, ...args) =>
  replaceAllMatches(run, "regex_replace_all", args, matchable(args[2]));

const regexReplaceAllLiteral: Evaluate = (run, ...args) =>
  replaceAllMatches(run, "regex_replace_all_literal", args, matchable(args[2]).replaceAll("$", "$$$$"));

const patternMatch: Evaluate = ({ budget }, pattern, subject) =>
  matchesWildcard(pattern as string, matchable(subject), budget);

// ── others

const toBoolean: Evaluate = (_run, value) => {
  const lower = toLower(value as string);
  if (lower === "true" || lower === "false") return lower === "true";
  return functionError("to_boolean", `lowercase argument must be 'true' or 'false' (provided: '${value as string}')`);
};

/** Go: filepath.Join of one element. */
function cleanPath(path = ""): string {
  if (path === "") return "";
  const rooted = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!rooted) kept.push(part);
  }
  const joined = kept.join("/");
  return rooted ? `/${joined}` : joined === "" ? "." : joined;
}

const replace: Evaluate = (run, subject, old, by, limit) =>
  replaceTexts(run, [subject, old, by] as readonly string[], Number(toInt64(numberOf(limit ?? null) ?? 0)));

const replaceAll: Evaluate = (run, ...texts) => replaceTexts(run, texts as readonly string[], -1);

export const stringFunctions: readonly JmesFunction[] = [
  {
    name: "compare",
    parameters: [text, text],
    evaluate: ofTexts((left = "", right = "") => new GoInteger(compareTexts(left, right))),
  },
  { name: "equal_fold", parameters: [text, text], evaluate: ofTexts(equalFold) },
  { name: "replace", parameters: [text, text, text, number], evaluate: replace },
  { name: "replace_all", parameters: [text, text, text], evaluate: replaceAll },
  { name: "to_upper", parameters: [text], evaluate: ofTexts((value = "") => toUpper(value)) },
  { name: "to_lower", parameters: [text], evaluate: ofTexts((value = "") => toLower(value)) },
  { name: "trim", parameters: [text, text], evaluate: ofTexts(trim) },
  { name: "trim_prefix", parameters: [text, text], evaluate: ofTexts(trimPrefix) },
  { name: "split", parameters: [text, text], evaluate: split },
  { name: "truncate", parameters: [text, number], evaluate: truncate },
  { name: "regex_match", parameters: [text, textOrNumber], evaluate: regexMatch },
  { name: "regex_replace_all", parameters: [text, textOrNumber, textOrNumber], evaluate: regexReplaceAll },
  {
    name: "regex_replace_all_literal",
    parameters: [text, textOrNumber, textOrNumber],
    evaluate: regexReplaceAllLiteral,
  },
  { name: "pattern_match", parameters: [text, textOrNumber], evaluate: patternMatch },
  { name: "to_boolean", parameters: [text], evaluate: toBoolean },
  { name: "path_canonicalize", parameters: [text], evaluate: ofTexts(cleanPath) },
];
