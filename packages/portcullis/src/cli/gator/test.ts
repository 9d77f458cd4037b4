// `portcullis gator test`: gator's command with its flags, its output and its exit codes (errors are 1 there). Rows are
// written as they are printed: a thousand objects against the library make more than three hundred megabytes of JSON.
// Gatekeeper: cmd/gator/test/test.go.

import { type GatorRow, type StatsEntry, gatorTest as evaluate, isEnforced, rowText } from "@portcullis/policy";
import type { GatorTestFlags } from "../flags.ts";
import { gatorOptions } from "../gator-options.ts";
import { createIndenter, structJson } from "../output/gojson.ts";
import { rowsYaml } from "../output/goyaml.ts";
import { type Writer, createWriter } from "../output/writer.ts";
import { fail, readSources } from "./sources.ts";

export async function gatorTest(flags: GatorTestFlags): Promise<number> {
  const inputs = await readSources(flags);
  if ("error" in inputs) return fail(`reading: ${inputs.error}`);
  if (inputs.length === 0) return fail("no input data identified");
  const { stats, trace, verbose: print } = flags;
  const isObserved = stats || trace || print;
  const observing = { stats, trace, print, nowMs: () => performance.now() };
  const result = evaluate(inputs, { ...gatorOptions(), ...(isObserved ? { observing } : {}) });
  if ("error" in result) return fail(`auditing objects: ${result.error}`);
  const writer = createWriter(process.stdout);
  const rows = flags.denyOnly ? result.rows.filter(isEnforced) : result.rows;
  await writeRows(rows, result.stats, { output: flags.output.toLowerCase(), writer });
  if (result.printed !== "") writer.write(`\n${result.printed}\n`);
  writer.end();
  return result.rows.some(isEnforced) ? 1 : 0;
}

interface Out {
  readonly output: string;
  readonly writer: Writer;
}

async function writeRows(
  rows: readonly GatorRow[],
  stats: readonly StatsEntry[],
  { output, writer }: Out,
): Promise<void> {
  if (output === "json") await writeJson(rows, stats, writer);
  else if (output === "yaml") writer.write(rowsYaml(rows, stats));
  // gator has a name for its own format, and prints nothing for it.
  else if (output !== "default") {
    for (const row of rows) {
      writer.write(`${rowText(row)}\n`);
      if (row.trace !== null) writer.write(`Trace: ${row.trace}`);
    }
  }
}

async function writeJson(rows: readonly GatorRow[], stats: readonly StatsEntry[], writer: Writer): Promise<void> {
  if (stats.length === 0) return writeRowList(rows, "", writer);
  writer.write('{\n    "results": ');
  await writeRowList(rows, "    ", writer);
  writer.write(`,\n    "stats": ${structJson(stats, 1, "    ")}\n}`);
}

/** The rows as a list; lines after the first begin with `pad`. */
async function writeRowList(rows: readonly GatorRow[], pad: string, writer: Writer): Promise<void> {
  if (rows.length === 0) {
    writer.write("null");
    return;
  }
  const indented = createIndenter(pad === "" ? 2 : 3);
  for (const [index, row] of rows.entries()) {
    writer.write(index === 0 ? `[\n${pad}    {` : `,\n${pad}    {`);
    // Fields in the order of Go's struct; undefined ones are left out, as `omitempty` does.
    let separator = "\n";
    for (const field of rowFields) {
      if (row[field] === undefined) continue;
      writer.write(`${separator}${pad}        "${field}": `);
      writer.write(indented(row[field]));
      separator = ",\n";
    }
    writer.write(`\n${pad}    }`);
    // Rows are written in turn, and a slow reader is waited for.
    // oxlint-disable-next-line no-await-in-loop
    if (writer.drained !== null) await writer.drained;
  }
  writer.write(`\n${pad}]`);
}

const rowFields = [
  "target",
  "msg",
  "metadata",
  "constraint",
  "enforcementAction",
  "scopedActions",
  "violatingObject",
  "trace",
] as const;
