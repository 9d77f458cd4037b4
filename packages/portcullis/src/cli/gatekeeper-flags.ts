// Gatekeeper's flags for whoever moves from it: those that mean something here are taken under their names, and the others
// are taken too, with one line that says why they do nothing, so that a manifest's arguments can stay as they are.
// Gatekeeper: main.go and the flags of its packages, as `gatekeeper --help` lists them.

import { type Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "@portcullis/lang/go";
import type { GatekeeperServing } from "../app/config.ts";
import { collect } from "./arguments.ts";

export interface GatekeeperFlags {
  readonly enableExternalData: boolean;
  readonly externalDataProviderResponseCacheTtl: number;
  readonly mutationAnnotations: boolean;
  readonly logMutations: boolean;
  readonly logStatsAdmission: boolean;
  readonly disableOpaBuiltin: readonly string[];
}

export function withGatekeeper(command: Command): Command {
  return command
    .option("--enable-external-data [bool]", "ask external data providers", goBoolean, true)
    .addOption(
      new Option(
        "--external-data-provider-response-cache-ttl <duration>",
        "how long their answers are remembered for verdicts; 0 for not at all",
      )
        .argParser(duration)
        .default(180_000, "3m"),
    )
    .option("--mutation-annotations [bool]", "mutated objects say by what they were", goBoolean, false)
    .option("--log-mutations [bool]", "log each mutated object", goBoolean, false)
    .option("--log-stats-admission [bool]", "log how long each template took about a request", goBoolean, false)
    .option("--disable-opa-builtin <name>", "no template may call it; may be repeated", collect, []);
}

export function gatekeeperServing(flags: GatekeeperFlags): GatekeeperServing {
  return {
    externalData: flags.enableExternalData,
    externalDataTtlMs: flags.externalDataProviderResponseCacheTtl,
    mutationAnnotations: flags.mutationAnnotations,
    logMutations: flags.logMutations,
    logStats: flags.logStatsAdmission,
    disabledBuiltins: flags.disableOpaBuiltin,
  };
}

/** Takes Gatekeeper's other flags, as far as the command has none of that name, and tells `warn` why they do nothing. */
export function withOtherFlags(command: Command, warn: (text: string) => void): Command {
  const known = new Set(command.options.map(({ long }) => long));
  for (const [name, why] of others) {
    if (known.has(`--${name}`)) continue;
    command.addOption(new Option(`--${name} [value]`).hideHelp());
    command.on(`option:${name}`, () => warn(`--${name} does nothing here: ${why}`));
  }
  command.on("option:disable-opa-builtin", (name: string) => {
    if (!/^[\w.]+$/.test(name)) warn(`--disable-opa-builtin ${name} names no built-in, for Gatekeeper neither`);
  });
  return command;
}

const own = "the log goes to standard error, as JSON";
const ports = "health and metrics are answered beside the webhook, or on --metrics-port";
const certificates = "see --tls-cert-file and --client-ca-file";
const engines = "CEL has no engine here yet";
const cluster = "only what works on a cluster could";
const parts = "one process does everything";

const others: readonly (readonly [name: string, why: string])[] = [
  ["enable-mutation", "mutation is always on, as in Gatekeeper"],
  ["log-stats-audit", "durations are in /metrics"],
  ["log-file", own],
  ["log-level", own],
  ["log-level-key", own],
  ["log-level-encoder", own],
  ["logtostderr", own],
  ["health-addr", ports],
  ["metrics-addr", ports],
  ["prometheus-port", ports],
  ["metrics-backend", ports],
  ["stackdriver-only-when-available", ports],
  ["stackdriver-metric-interval", ports],
  ["otlp-endpoint", ports],
  ["otlp-metric-interval", ports],
  ["enable-pprof", "Node's own tools profile it: --cpu-prof"],
  ["pprof-port", "Node's own tools profile it: --cpu-prof"],
  ["cert-dir", certificates],
  ["cert-service-name", certificates],
  ["client-ca-name", certificates],
  ["disable-cert-rotation", certificates],
  ["enable-tls-healthcheck", certificates],
  ["additional-validating-webhook-configs-to-rotate-certs", certificates],
  ["additional-mutating-webhook-configs-to-rotate-certs", certificates],
  ["validating-webhook-configuration-name", "see --webhook-configuration-name of portcullis run"],
  ["mutating-webhook-configuration-name", "see --webhook-configuration-name of portcullis run"],
  ["enable-k8s-native-validation", engines],
  ["default-k8s-native-validation-failure-policy", engines],
  ["sync-vap-enforcement-scope", engines],
  ["default-create-vap-binding-for-constraints", engines],
  ["default-create-vap-for-templates", engines],
  ["default-wait-for-vapb-generation", engines],
  ["enable-referential-rules", "what policies look at is found in their text"],
  ["enable-generator-resource-expansion", "expansion is always on"],
  ["enable-remote-cluster", "see --kubeconfig of portcullis run"],
  ["readiness-retries", "readiness waits until all policies are known"],
  ["debug-use-fake-pod", cluster],
  ["operation", parts],
  ["emit-admission-events", cluster],
  ["admission-events-involved-namespace", cluster],
  ["enable-violation-export", cluster],
  ["audit-connection", cluster],
  ["audit-channel", cluster],
  ["audit-interval", cluster],
  ["constraint-violations-limit", cluster],
  ["audit-chunk-size", cluster],
  ["audit-from-cache", cluster],
  ["emit-audit-events", cluster],
  ["audit-events-involved-namespace", cluster],
  ["audit-match-kind-only", cluster],
  ["api-cache-dir", cluster],
];

/** As Go's flag package reads it; without a value it is true. */
function goBoolean(value: string): boolean {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new InvalidArgumentError("expected true or false");
}

function duration(value: string): number {
  const nanoseconds = parseDuration(value);
  if (typeof nanoseconds !== "bigint")
    throw new InvalidArgumentError(`expected a duration such as 3m: ${nanoseconds.error}`);
  if (nanoseconds < 0n) throw new InvalidArgumentError("expected 0 or more");
  return Number(nanoseconds / 1_000_000n);
}
