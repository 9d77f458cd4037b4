// The one list of benches.

import type { Bench } from "./bench.ts";
import { gatekeeperCli } from "./gatekeeper-cli.ts";
import { gatekeeperWebhook } from "./gatekeeper-webhook.ts";
import { kyvernoWebhook } from "./kyverno-webhook.ts";

export const benches: readonly Bench[] = [gatekeeperCli, gatekeeperWebhook, kyvernoWebhook];
