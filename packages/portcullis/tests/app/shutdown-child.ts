// A process that serves until a signal, for shutdown.test.ts: node:test keeps signals of its own process for itself.

import { createLogger } from "../../src/app/log.ts";
import { serve } from "../../src/app/serve.ts";
import { untilSignal } from "../../src/app/shutdown.ts";

const [policies = "", delayMs = ""] = process.argv.slice(2);
const logger = createLogger("nowhere");
const serving = await serve({ policies: [policies], port: 0, workers: 1, logger, shutdownDelayMs: Number(delayMs) });
const ended = untilSignal(serving);
process.stdout.write(`${JSON.stringify({ url: serving.url, ca: serving.ca })}\n`);
process.exit(await ended);
