// The one list of benches.

import type { Bench } from "./bench.ts";
import { audit } from "./audit.ts";
import { gatekeeperCli } from "./gatekeeper-cli.ts";
import { gatekeeperMutation } from "./gatekeeper-mutation.ts";
import { gatekeeperWebhook } from "./gatekeeper-webhook.ts";
import { kyvernoCli } from "./kyverno-cli.ts";
import { kyvernoWebhook } from "./kyverno-webhook.ts";
import { runaway } from "./runaway.ts";

export const benches: readonly Bench[] = [
  audit,
  gatekeeperCli,
  gatekeeperMutation,
  gatekeeperWebhook,
  kyvernoCli,
  kyvernoWebhook,
  runaway,
];
