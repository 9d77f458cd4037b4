// A process that begins as a server does, and stays until it is ended.

import { beginOnceMore } from "../../src/cli/begin.ts";

beginOnceMore({ keepsLittleFreed: process.argv[2] === "replica" });
process.stderr.write(`begun with ${JSON.stringify(process.execArgv)}\n`);
setInterval(() => {}, 1000);
