// Whatever badinput.test.ts and badcel.test.ts ask, each taken together, stays under 512 MB in a process of its own.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const megabytesMax = 512;

/** Of forty cases one after the other the garbage would be left in memory; so much in use at once would end the process. */
const smallHeap = "--max-old-space-size=256";

for (const [file, ...flags] of [["badinput.test.ts"], ["badcel.test.ts", smallHeap]] as const) {
  test(`policies that would run away take less than 512 MB together: ${file}`, () => {
    const tell = "process.on('exit', () => process.stderr.write(`peak ${process.resourceUsage().maxRSS}`))";
    const program = join(import.meta.dirname, file);
    const args = [...flags, "--import", `data:text/javascript,${encodeURIComponent(tell)}`, program];
    // The runner of tests tells its children what they are; this one is a program of its own.
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
    const { status, stderr, stdout } = spawnSync(process.execPath, args, { encoding: "utf8", env });
    assert.equal(status, 0, stdout + stderr);
    const [, kilobytes = ""] = /peak (\d+)$/.exec(stderr) ?? [];
    assert.ok(Number(kilobytes) > 0 && Number(kilobytes) < megabytesMax * 1024, `${kilobytes} KB`);
  });
}
