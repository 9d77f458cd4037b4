// Tables as Kyverno's command line prints them: every cell padded to its column, long texts broken at words, the number of
// rows in the first head when there are more than ten. Behaviour of github.com/lensesio/tableprinter with Kyverno's settings.

import { type Paint, withoutColors } from "./paint.ts";

/** Longer cells are broken into lines. */
const cellMax = 300;
const rowsShownAbove = 10;

/** The table with a line break at its end; nothing when there is no row. */
export function renderTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Pick<Paint, "head">,
): string {
  if (rows.length === 0) return "";
  const titles = heads.map((head, at) =>
    at === 0 && rows.length > rowsShownAbove ? `${head} (${rows.length}) ` : head,
  );
  const cells = rows.map((row) => row.map((cell) => brokenCell(cell).split("\n").map(measured)));
  const widths = titles.map((title, at) => widest(cells, at, width(title)));
  const line = `│${widths.map((size) => `${"─".repeat(size + 2)}│`).join("")}\n`;
  const head = `│${titles.map((title, at) => ` ${paint.head(padded(measured(title.trim().toUpperCase()), widths[at] ?? 0))} │`).join("")}\n`;
  return line + head + line + cells.map((row) => renderRow(row, widths)).join("") + line;
}

/** A line of a cell, and the columns that it takes. */
interface Line {
  readonly text: string;
  readonly width: number;
}

const blank: Line = { text: "  ", width: 2 };

function measured(text: string): Line {
  return { text, width: width(text) };
}

type Cell = readonly Line[];

function widest(rows: readonly (readonly Cell[])[], column: number, title: number): number {
  let most = title;
  for (const row of rows) for (const { width: own } of row[column] ?? []) if (own > most) most = own;
  return most;
}

function renderRow(row: readonly Cell[], widths: readonly number[]): string {
  let height = 1;
  for (const lines of row) if (lines.length > height) height = lines.length;
  let text = "";
  for (let at = 0; at < height; at++) {
    text += "│";
    for (const [column, lines] of row.entries()) text += ` ${padded(lines[at] ?? blank, widths[column] ?? 0)} │`;
    text += "\n";
  }
  return text;
}

function padded({ text, width: own }: Line, size: number): string {
  return own < size ? text + " ".repeat(size - own) : text;
}

/** A cell that is too long is broken at its blanks; one with line breaks of its own stays, but for one at its end. */
function brokenCell(cell: string): string {
  // A character takes at most three bytes.
  if (cell.length * 3 <= cellMax || byteLength(cell) <= cellMax) return cell;
  if (cell.includes("\n")) return cell.endsWith("\n") ? cell.slice(0, -2) : cell;
  const [first, ...words] = cell.trim().split(/\s+/);
  if (first === undefined || first === "") return cell;
  let text = first;
  let left = cellMax - byteLength(first);
  for (const word of words) {
    const size = byteLength(word) + 1;
    const fits = size <= left;
    text += `${fits ? " " : "\n"}${word}`;
    left = fits ? left - size - 1 : cellMax - byteLength(word);
  }
  return text;
}

function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

/** Columns that a text takes on a terminal. */
function width(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let columns = 0;
  characters ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { segment } of characters.segment(withoutColors(text))) {
    columns += /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u.test(segment) ? 0 : isWide(segment) ? 2 : 1;
  }
  return columns;
}

/** Made when a text first needs it, because that takes milliseconds. */
let characters: Intl.Segmenter | undefined;

function isWide(segment: string): boolean {
  return /^[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1F64F}\u{1F900}-\u{1F9FF}\u{20000}-\u{3FFFD}]/u.test(
    segment,
  );
}
