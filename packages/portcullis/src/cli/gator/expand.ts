// `portcullis gator expand`: gator's command with its flags, its output and its exit codes.
// Gatekeeper: cmd/gator/expand/expand.go.

import { writeFileSync } from "node:fs";
import { gatorExpand as expand } from "@portcullis/policy";
import type { GatorExpandFlags } from "../flags.ts";
import { gatorOptions } from "../gator-options.ts";
import { createIndenter } from "../output/gojson.ts";
import { writeGoYaml } from "../output/goyaml-writer.ts";
import { fail, readSources } from "./sources.ts";

export async function gatorExpand(flags: GatorExpandFlags): Promise<number> {
  const inputs = await readSources(flags);
  if ("error" in inputs) return fail(`reading: ${inputs.error}`);
  if (inputs.length === 0) return fail("no input data identified");
  const result = expand(
    inputs.map(({ object }) => object),
    gatorOptions(),
  );
  if ("error" in result) return fail(`error expanding resources: ${result.error}`);
  const output = expandedText(result.objects, flags.format);
  if (output === null) return fail(`unrecognized value for format flag: ${flags.format}`);
  if (flags.outputfile === "") {
    process.stdout.write(`${output}\n`);
  } else {
    process.stdout.write(`Writing output to file: ${flags.outputfile}\n`);
    writeFileSync(flags.outputfile, output, { mode: 0o600 });
  }
  return 0;
}

/** The objects as documents, or null for a format that nobody knows. */
function expandedText(objects: readonly unknown[], format: string): string | null {
  if (format === "json") {
    const indented = createIndenter(0);
    return objects.map((object) => String(indented(object))).join("---\n");
  }
  if (format !== "" && format !== "yaml") return null;
  return objects.map((object) => writeGoYaml(object, "go", "doubles")).join("---\n");
}
