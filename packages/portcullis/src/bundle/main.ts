#!/usr/bin/env node
// The command line of the bundle, which is there twice: as ES modules, and as scripts for the commands whose code is kept
// from run to run.

import { join } from "node:path";
import { keepsCode, tuneFor } from "../cli/tune.ts";
import { codeFolder, runWithCode } from "./code.ts";

const [first = "", second = ""] = process.argv.slice(2);
const command = first === "gator" || first === "kyverno" ? `${first} ${second}` : first;
const folder = keepsCode(command) ? codeFolder(process.env) : null;
if (folder === null) void import("../cli/main.ts");
else {
  tuneFor(command);
  const code = join(folder, `${command.replace(" ", "-")}.code`);
  runWithCode({ folder: join(import.meta.dirname, "scripts"), entry: "./cli.cjs", code });
}
