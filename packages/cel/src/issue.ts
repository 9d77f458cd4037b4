// What is wrong with an expression, and how cel-go shows it: the line, a pointer below it, sorted by place. Lines and
// columns are counted in code points, and a character of more than one byte gets a wide pointer. cel-go: common/error.go,
// common/errors.go, common/source.go.

import { utf8Length } from "@portcullis/lang/go";

export interface Issue {
  /** Code points from the start of the text; -1 for the expression as a whole. */
  readonly place: number;
  readonly message: string;
}

/** More are only counted. */
const issuesMax = 100;
/** Bytes; longer lines are not shown. */
const snippetBytesMax = 16_384;

/** cel-go's text, as admission responses show it. */
export function issuesText(issues: readonly Issue[], text: string): string {
  const points = Array.from(text);
  const starts = [0];
  for (const [at, point] of points.entries()) if (point === "\n") starts.push(at + 1);
  const shown = issues.slice(0, issuesMax).toSorted((a, b) => a.place - b.place);
  const texts = shown.map((issue) => issueText(issue, points, starts));
  if (issues.length > issuesMax) texts.push(`${issues.length - issuesMax} more errors were truncated`);
  return texts.join("\n");
}

function issueText({ place, message }: Issue, points: readonly string[], starts: readonly number[]): string {
  if (place < 0) return `ERROR: <input>:-1:0: ${message}`;
  if (points.length === 0) return `ERROR: <input>:1:0: ${message}`;
  let line = starts.findLastIndex((start) => start <= place);
  if (line < 0) line = 0;
  const start = starts[line] ?? 0;
  const column = place - start;
  const heading = `ERROR: <input>:${line + 1}:${column + 1}: ${message}`;
  const end = line + 1 < starts.length ? (starts[line + 1] ?? 0) - 1 : points.length;
  const snippet = points.slice(start, end).map((point) => (point === "\t" ? " " : point));
  const shown = snippet.join("");
  if (utf8Length(shown) > snippetBytesMax) return heading;
  const dots = snippet.slice(0, column).map((point) => (isWide(point) ? "\uff0e" : "."));
  return `${heading}\n | ${shown}\n | ${dots.join("")}${isWide(snippet[column] ?? "") ? "\uff3e" : "^"}`;
}

function isWide(point: string): boolean {
  return point >= "\u0080";
}
