// gator's own fixtures for `expand`: what it prints for the objects of a folder.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gatorExpand } from "@portcullis/policy";
import { gatorOptions } from "../../packages/portcullis/src/cli/gator-options.ts";
import { loadObjects } from "../../packages/portcullis/src/cli/load/files.ts";
import { writeGoYaml } from "../../packages/portcullis/src/cli/output/goyaml-writer.ts";
import type { ConformanceCase } from "../suite.ts";

/** One case per folder with `input` and `output/output.yaml`. */
export function expandCases(folder: string): readonly ConformanceCase[] {
  return readdirSync(folder).map((name) => ({
    id: `expand ${name}`,
    run: () => {
      const inputs = loadObjects([join(folder, name, "input")], { stdin: false });
      const objects = inputs.map(({ object }) => object);
      const result = gatorExpand(objects, gatorOptions());
      const got = "error" in result ? result.error : documents(result.objects);
      const want = readFileSync(join(folder, name, "output", "output.yaml"), "utf8");
      // One output file is empty, and gator's own test only asks that there was no error.
      if (want.trim() === "" && "objects" in result) return;
      if (got.trim() !== want.trim()) throw new Error(`got\n${got}\nwant\n${want}`);
    },
  }));
}

function documents(objects: readonly unknown[]): string {
  return objects.map((object) => writeGoYaml(object, "go", "doubles")).join("---\n");
}
