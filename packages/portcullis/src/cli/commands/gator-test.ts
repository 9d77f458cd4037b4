// `portcullis gator test`: gator's command with its flags, its output and its exit codes (errors are 1 there). Rows are
// written as they are printed: a thousand objects against the library make more than three hundred megabytes of JSON.

import { gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import { type GatorRow, gatorTest as evaluate, isEnforced, rowText } from "@portcullis/policy";
import type { GatorTestFlags } from "../flags.ts";
import { gatorOptions } from "../gator-options.ts";
import { type LoadedObject, loadObjects } from "../load/files.ts";
import { createIndenter } from "../output/gojson.ts";
import { rowsYaml } from "../output/goyaml.ts";
import { type Writer, createWriter } from "../output/writer.ts";
import { UsageError } from "../usage.ts";

export async function gatorTest(flags: GatorTestFlags): Promise<number> {
  const inputs = readInputs(flags);
  if (typeof inputs === "string") return fail(inputs);
  if (inputs.length === 0) return fail("no input data identified");
  const result = evaluate(inputs, gatorOptions());
  if ("error" in result) return fail(`auditing objects: ${result.error}`);
  if (flags.trace || flags.stats) warn("--trace and --stats print nothing yet; see portcullis explain");
  const rows = flags.denyOnly ? result.rows.filter(isEnforced) : result.rows;
  await printRows(rows, flags.output.toLowerCase());
  return result.rows.some(isEnforced) ? 1 : 0;
}

/** The objects, or gator's error. */
export function readInputs({
  filename,
  image,
}: Pick<GatorTestFlags, "filename" | "image">): readonly LoadedObject[] | string {
  if (image.length > 0) return "reading: pulling image: images are not supported yet; give files with -f";
  try {
    const inputs = loadObjects(filename, { dialect: "go", stdin: true });
    warnOfDuplicates(inputs);
    return inputs;
  } catch (error) {
    if (error instanceof UsageError) return `reading: reading from filenames: ${error.message}`;
    throw error;
  }
}

/** gator logs an object that stands in two places, and goes on. */
function warnOfDuplicates(inputs: readonly LoadedObject[]): void {
  const known = new Map<string, string>();
  for (const { object, file } of inputs) {
    const { group, kind } = gvkOf(object);
    const key = JSON.stringify([group, kind, namespaceOf(object), nameOf(object)]);
    const source = file === "stdin" ? "stdin" : `file: ${JSON.stringify(file)}`;
    const earlier = known.get(key);
    if (earlier !== undefined)
      warn(
        `WARNING - Resource named ${JSON.stringify(nameOf(object))} (from ${source}) is already defined in ${earlier}`,
      );
    known.set(key, source);
  }
}

async function printRows(rows: readonly GatorRow[], output: string): Promise<void> {
  const writer = createWriter(process.stdout);
  if (output === "json") await writeJson(rows, writer);
  else if (output === "yaml") writer.write(rowsYaml(rows));
  else if (output === "") for (const row of rows) writer.write(`${rowText(row)}\n`);
  writer.end();
}

async function writeJson(rows: readonly GatorRow[], writer: Writer): Promise<void> {
  if (rows.length === 0) {
    writer.write("null");
    return;
  }
  const indented = createIndenter(2);
  for (const [index, row] of rows.entries()) {
    writer.write(index === 0 ? "[\n    {" : ",\n    {");
    // Fields in the order of Go's struct; undefined ones are left out, as `omitempty` does.
    let separator = "\n";
    for (const field of rowFields) {
      if (row[field] === undefined) continue;
      writer.write(`${separator}        "${field}": `);
      writer.write(indented(row[field]));
      separator = ",\n";
    }
    writer.write("\n    }");
    // Rows are written in turn, and a slow reader is waited for.
    // oxlint-disable-next-line no-await-in-loop
    if (writer.drained !== null) await writer.drained;
  }
  writer.write("\n]");
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

function warn(text: string): void {
  process.stderr.write(`${text}\n`);
}

function fail(text: string): number {
  warn(text);
  return 1;
}
