// `portcullis gator sync test`: gator's command with its flags, its output and its exit codes.
// Gatekeeper: cmd/gator/sync/test/test.go.

import { gatorSyncTest as evaluate } from "@portcullis/policy";
import type { GatorSyncTestFlags } from "../flags.ts";
import { fail, readSources } from "./sources.ts";

export async function gatorSyncTest(flags: GatorSyncTestFlags): Promise<number> {
  const inputs = await readSources(flags);
  if ("error" in inputs) return fail(`reading: ${inputs.error}`);
  if (inputs.length === 0) return fail("no input data identified");
  const objects = inputs.map(({ object }) => object);
  const { notes, error } = evaluate(objects, { omitManifest: flags.forceOmitGvkManifest });
  for (const note of notes) process.stdout.write(`${note}\n`);
  return error === null ? 0 : fail(error);
}
