// The threads of the bundle. Servers have set V8's flags by then, and it would not take the code that was made without.

import { createLoader } from "./load.ts";

createLoader({ folder: import.meta.dirname, precompiled: false }).load("./thread.cjs");
