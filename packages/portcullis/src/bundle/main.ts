#!/usr/bin/env node
// The command line of the bundle.

import { createLoader } from "./load.ts";

createLoader({ folder: import.meta.dirname, precompiled: true }).load("./cli.cjs");
