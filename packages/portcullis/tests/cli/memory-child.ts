// A process that begins as a replica does, and stays until it is ended.

import { keepLittleFreed } from "../../src/cli/memory.ts";

keepLittleFreed();
process.stderr.write("begun\n");
setInterval(() => {}, 1000);
