#!/usr/bin/env node
// The command line of the bundle.

import { setFlagsFromString } from "node:v8";
import { createLoader, loadingFlag } from "./load.ts";

setFlagsFromString(loadingFlag);
createLoader({ folder: import.meta.dirname, precompiled: true }).load("./cli.cjs");
