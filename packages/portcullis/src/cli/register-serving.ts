// The commands that answer admission requests: `serve` with policies from files, `run` on a cluster.

import { type Command, Option } from "commander";
import { withAuditing } from "./auditing.ts";
import type { DecisionsFlags } from "./commands/decisions.ts";
import { collect, portNumber, seconds, threadNumber, wholeNumber } from "./arguments.ts";
import { beginOnceMore } from "./begin.ts";
import { withDecisionLog } from "./decision-flags.ts";
import { withGatekeeper, withOtherFlags } from "./gatekeeper-flags.ts";
import type { RunFlags, ServeFlags } from "./flags.ts";
import { withWebhooks } from "./webhooks.ts";

export function registerServing(program: Command, version: string): void {
  const serve = program
    .command("serve")
    .description("answer AdmissionReviews over HTTPS on /v1/admit; policies reload when the files change")
    .requiredOption(
      "--policies <path>",
      "a file or folder with policies and the objects they look at; may be repeated",
      collect,
    );
  withOthers(withServing(serve)).action(async (options: ServeFlags) => {
    beginOnceMore({ keepsLittleFreed: false });
    const { serveCommand } = await import("./commands/serve.ts");
    process.exitCode = await serveCommand(options);
  });
  const run = program
    .command("run")
    .description("guard a cluster: its policies, its data, and in each policy what became of it")
    .option(
      "--kubeconfig <file>",
      "how to reach the API server; default: $KUBECONFIG, ~/.kube/config, or the Pod's own",
    )
    .option("--context <name>", "the context of the kubeconfig")
    .option("--namespace <name>", "the product's own namespace; default: $POD_NAMESPACE, or portcullis")
    .option("--pod-name <name>", "this replica's name in statuses; default: $POD_NAME, or the machine's")
    .option("--uninstall", "take webhook configurations, certificates and Leases off the cluster, and end")
    .option("--httpBlocklist <list>", "Kyverno's: subnets and hosts that apiCall.service does not reach")
    .option("--httpAllowlist <list>", "Kyverno's: beginnings of the URLs that apiCall.service may call")
    .option("--policies <path>", "a file or folder with more policies; may be repeated", collect, []);
  withOthers(withAuditing(withWebhooks(withServing(run)))).action(async (options: RunFlags) => {
    if (options.uninstall === true) {
      const { uninstallCommand } = await import("./commands/render.ts");
      process.exitCode = await uninstallCommand(options, version);
      return;
    }
    beginOnceMore({ keepsLittleFreed: true });
    const { runCommand } = await import("./commands/run.ts");
    process.exitCode = await runCommand(options, version);
  });
}

/** What the decision log of either tells. */
export function registerDecisions(program: Command): void {
  program
    .command("decisions")
    .description("read decision logs: which requests were decided how, by which policies")
    .argument("<file...>", "files of --decision-log; - is standard input")
    .addOption(new Option("--verdict <verdict>", "only those").choices(["allow", "warn", "deny", "error"]))
    .option("--policy <name>", "only where this policy had something to say: NAME or KIND/NAME")
    .option("--kind <kind>", "only about this kind")
    .option("--in-namespace <name>", "only about objects in this namespace")
    .option("--since <time>", "only from then on: 2026-01-31T12:00:00Z")
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json", "summary"]).default("text"))
    .action(async (files: readonly string[], options: DecisionsFlags) => {
      const { decisionsCommand } = await import("./commands/decisions.ts");
      process.exitCode = await decisionsCommand(files, options);
    });
}

function withOthers(command: Command): Command {
  return withOtherFlags(command, (text) => process.stderr.write(`portcullis: ${text}\n`));
}

/** What both can be told. */
function withServing(command: Command): Command {
  return withDecisionLog(withGatekeeper(command))
    .option(
      "--data <path>",
      "a file or folder with objects of a cluster: Namespaces, and what policies compare with; may be repeated",
      collect,
      [],
    )
    .option("--host <address>", "the address to listen on", "127.0.0.1")
    .option("--port <number>", "the port to listen on, 0 for any", portNumber, 8443)
    .option("--metrics-port <number>", "serve /metrics without TLS on a port of its own", portNumber)
    .option(
      "--tls-cert-file <file>",
      "certificate chain (PEM), reloaded when it changes; default: a self-signed CA made at start",
    )
    .option("--tls-key-file <file>", "private key (PEM)")
    .addOption(
      new Option("--tls-min-version <version>", "the lowest TLS version").choices(["1.2", "1.3"]).default("1.3"),
    )
    .option("--ca-file <file>", "where to write the CA that was made at start, for clients")
    .option(
      "--workers <number>",
      "evaluation threads; 0 evaluates in the main thread; default: one per core but one",
      wholeNumber,
    )
    .option(
      "--max-serving-threads <number>",
      "Gatekeeper's name for --workers, which goes first; -1 is the default",
      threadNumber,
    )
    .option(
      "--shutdown-delay <seconds>",
      "go on answering for this long after SIGTERM, while readiness fails",
      seconds,
      0,
    )
    .option("--shutdown-limit <seconds>", "how long requests have to finish at the end", seconds, 10)
    .option("--client-ca-file <file>", "serve only clients with a certificate of this CA (PEM)")
    .option("--client-cn-name <name>", "the common name that their certificate must have", "kube-apiserver")
    .option("--log-denies", "log each denial")
    .option(
      "--gatekeeper-namespace <name>",
      "the namespace whose gatekeeper-admin is never refused",
      "gatekeeper-system",
    )
    .option("--disable-enforcementaction-validation", "admit constraints with enforcement actions that nobody knows")
    .option("--exempt-namespace <name>", "this Namespace may have the ignore label; may be repeated", collect, [])
    .option("--exempt-namespace-prefix <prefix>", "Namespaces that begin so may have it; may be repeated", collect, [])
    .option("--exempt-namespace-suffix <suffix>", "Namespaces that end so may have it; may be repeated", collect, [])
    .option("--enablePolicyException", "Kyverno's PolicyExceptions count; without it they do not, as in Kyverno")
    .option("--exceptionNamespace <name>", "the namespace that PolicyExceptions must be in, `*` for any")
    .option("--protectManagedResources", "only Kyverno's own service accounts may change what Kyverno made")
    .option("--kyverno-config <namespace/name>", "the ConfigMap with Kyverno's settings", "kyverno/kyverno")
    .option("--kyverno-answers", "answer as Kyverno where docs/compatibility.md gives a switch");
}
