// Runs commands of `portcullis gator` one after the other in one process and prints what each wrote, as JSON. Standard
// input is the caller's: gator reads it when it is a pipe. Arguments: a JSON list of lists of words; the folder to be in.

import { Command } from "commander";
import { registerGator } from "../../../src/cli/gator/register.ts";
import { CommandFailed } from "../../../src/cli/kyverno/exit.ts";

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

async function gator(args: readonly string[]): Promise<Ran> {
  const written = { stdout: "", stderr: "" };
  const original = { stdout: process.stdout.write, stderr: process.stderr.write };
  const catching = (stream: "stdout" | "stderr") => (chunk: unknown) => {
    written[stream] += chunk instanceof Uint8Array ? Buffer.from(chunk).toString() : String(chunk);
    return true;
  };
  const program = new Command("portcullis").exitOverride();
  registerGator(program);
  process.exitCode = 0;
  process.stdout.write = catching("stdout");
  process.stderr.write = catching("stderr");
  try {
    await program.parseAsync(["gator", ...args], { from: "user" });
    return { ...written, exitCode: process.exitCode };
  } catch (error) {
    if (error instanceof CommandFailed) return { ...written, exitCode: error.exitCode };
    throw error;
  } finally {
    process.stdout.write = original.stdout;
    process.stderr.write = original.stderr;
  }
}

const [commands = "[]", folder = "."] = process.argv.slice(2);
process.chdir(folder);
const results: Ran[] = [];
// In turn: each has the process's output to itself.
// oxlint-disable-next-line no-await-in-loop
for (const args of JSON.parse(commands) as readonly (readonly string[])[]) results.push(await gator(args));
process.exitCode = 0;
process.stdout.write(JSON.stringify(results));
