// `portcullis serve` and `portcullis demo`: start the webhook, say where it is, and stay up until a signal.

import { constants } from "node:os";
import { builtinCatalog } from "@portcullis/kube";
import type { KyvernoServing, ServeOptions } from "../../app/config.ts";
import { startDemo } from "../../app/demo.ts";
import { type Closable, untilSignal } from "../../app/shutdown.ts";
import { serve } from "../../app/serve.ts";
import { decisionLogOptions } from "../decision-log.ts";
import { gatekeeperServing } from "../gatekeeper-flags.ts";
import type { ServeFlags } from "../flags.ts";
import { UsageError } from "../usage.ts";

export async function serveCommand(flags: ServeFlags): Promise<number> {
  const serving = await started(serve({ ...serveOptions(flags), progress: terminalProgress }));
  process.stderr.write(`portcullis answers on ${serving.url}/v1/admit\n`);
  return stayUp(serving);
}

export async function demoCommand({ port, once }: { readonly port: number; readonly once: boolean }): Promise<number> {
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const demo = await started(startDemo({ port, catalog: builtinCatalog(), print, progress: terminalProgress }));
  if (once) {
    await demo.close();
    return 0;
  }
  return stayUp(demo);
}

export async function stayUp(running: Closable): Promise<number> {
  const code = await untilSignal(running);
  // Cut short: what still runs would keep the process.
  if (code !== 0) process.exit(code);
  return code;
}

/** A start that fails is the user's to mend: a port that is taken, a file that is not there. A signal ends it. */
export async function started<T>(starting: Promise<T>): Promise<T> {
  // In a container we are process 1, for which a signal that nobody handles does nothing.
  const end = (signal: NodeJS.Signals): void => process.exit(128 + constants.signals[signal]);
  process.on("SIGTERM", end).on("SIGINT", end);
  try {
    return await starting;
  } catch (error) {
    const { code, port, message } = error as NodeJS.ErrnoException & { readonly port?: number };
    if (code === "EADDRINUSE") throw new UsageError(`port ${port ?? ""} is taken: choose another one with --port`);
    throw new UsageError(message);
  } finally {
    process.off("SIGTERM", end).off("SIGINT", end);
  }
}

export function serveOptions(flags: ServeFlags, replica?: string): ServeOptions {
  const { tlsCertFile: cert, tlsKeyFile: key } = flags;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError(
      "--tls-cert-file and --tls-key-file go together: give both, or none for a certificate made at start",
    );
  }
  const { policies, data, host, port, metricsPort, caFile, tlsMinVersion } = flags;
  const workers = flags.workers ?? flags.maxServingThreads;
  return {
    policies,
    host,
    port,
    ...admissionOptions(flags),
    ...shutdownOptions(flags),
    ...decisionLogOptions(flags, replica),
    ...(data.length > 0 && { data }),
    ...(metricsPort !== undefined && { metricsPort }),
    ...(caFile !== undefined && { caFile }),
    ...(tlsMinVersion !== undefined && { tlsMinVersion }),
    ...(workers !== undefined && { workers }),
    ...(cert !== undefined && key !== undefined && { tls: { cert, key } }),
    ...(flags.clientCaFile !== undefined && {
      clients: { caFile: flags.clientCaFile, commonName: flags.clientCnName },
    }),
  };
}

function admissionOptions(flags: ServeFlags): Partial<ServeOptions> {
  return {
    logDenies: flags.logDenies === true,
    gatekeeperNamespace: flags.gatekeeperNamespace,
    allowUnknownEnforcement: flags.disableEnforcementactionValidation === true,
    exempt: {
      names: flags.exemptNamespace,
      prefixes: flags.exemptNamespacePrefix,
      suffixes: flags.exemptNamespaceSuffix,
    },
    gatekeeper: gatekeeperServing(flags),
    kyverno: kyvernoOptions(flags),
  };
}

function kyvernoOptions(flags: ServeFlags): KyvernoServing {
  const { exceptionNamespace, kyvernoConfig: configMap } = flags;
  if (!/^[^/]+\/[^/]+$/.test(configMap)) {
    throw new UsageError(`--kyverno-config ${configMap}: expected NAMESPACE/NAME of a ConfigMap`);
  }
  return {
    enablePolicyException: flags.enablePolicyException === true,
    ...(exceptionNamespace !== undefined && { exceptionNamespace }),
    protectManagedResources: flags.protectManagedResources === true,
    answersAsPeer: flags.kyvernoAnswers === true,
    configMap,
  };
}

function shutdownOptions({ shutdownDelay, shutdownLimit }: ServeFlags): Partial<ServeOptions> {
  return { shutdownDelayMs: shutdownDelay * 1000, shutdownLimitMs: shutdownLimit * 1000 };
}

export function terminalProgress(text: string | null): void {
  if (process.stderr.isTTY) process.stderr.write(text === null ? "\r\u001B[K" : `\r\u001B[K${text}`);
}
