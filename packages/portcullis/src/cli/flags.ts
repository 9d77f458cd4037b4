// The flags of commands as commander gives them.

import type { DecisionLogFlags } from "./decision-flags.ts";
import type { GatekeeperFlags } from "./gatekeeper-flags.ts";

import type { AuditingFlags } from "./auditing.ts";
import type { WebhookFlags } from "./webhooks.ts";

export interface ServeFlags extends GatekeeperFlags, DecisionLogFlags {
  readonly policies: readonly string[];
  readonly data: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly metricsPort?: number;
  readonly tlsCertFile?: string;
  readonly tlsKeyFile?: string;
  readonly tlsMinVersion?: "1.2" | "1.3";
  readonly caFile?: string;
  readonly workers?: number;
  readonly maxServingThreads?: number;
  /** In seconds, as the next one. */
  readonly shutdownDelay: number;
  readonly shutdownLimit: number;
  readonly clientCaFile?: string;
  readonly clientCnName: string;
  readonly logDenies?: boolean;
  readonly gatekeeperNamespace: string;
  readonly disableEnforcementactionValidation?: boolean;
  readonly exemptNamespace: readonly string[];
  readonly exemptNamespacePrefix: readonly string[];
  readonly exemptNamespaceSuffix: readonly string[];
  readonly enablePolicyException?: boolean;
  readonly exceptionNamespace?: string;
  readonly protectManagedResources?: boolean;
  readonly kyvernoAnswers?: boolean;
  readonly kyvernoConfig: string;
}

export interface RunFlags extends ServeFlags, AuditingFlags, WebhookFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly podName?: string;
  /** Kyverno's, with commas. */
  readonly httpBlocklist?: string;
  readonly httpAllowlist?: string;
  readonly uninstall?: boolean;
}

/** What all gator commands read. */
export interface GatorSourceFlags {
  readonly filename: readonly string[];
  readonly image: readonly string[];
  /** Taken as gator does; images are unpacked in memory. */
  readonly tempdir: string;
}

export interface GatorTestFlags extends GatorSourceFlags {
  readonly output: string;
  readonly trace: boolean;
  readonly stats: boolean;
  readonly verbose: boolean;
  readonly denyOnly: boolean;
}

export interface GatorExpandFlags extends GatorSourceFlags {
  readonly format: string;
  readonly outputfile: string;
}

export interface GatorSyncTestFlags extends GatorSourceFlags {
  readonly forceOmitGvkManifest: boolean;
}

export interface GatorBenchFlags extends GatorSourceFlags {
  readonly engine: string;
  readonly iterations: string;
  readonly warmup: string;
  readonly concurrency: string;
  readonly output: string;
  readonly stats: boolean;
  readonly memory: boolean;
  readonly save: string;
  readonly compare: string;
  /** Per cent. */
  readonly threshold: string;
  /** A duration of Go's: `1ms`. */
  readonly minThreshold: string;
}

export interface GatorVerifyFlags {
  readonly run: string;
  readonly verbose: boolean;
  readonly trace: boolean;
  readonly kubeVersion?: string;
}

export interface KyvernoTestFlags {
  readonly fileName: string;
  readonly gitBranch: string;
  readonly testCaseSelector: string;
  readonly outputFormat: string;
  readonly registry: boolean;
  readonly failOnly: boolean;
  readonly removeColor: boolean;
  readonly detailedResults: boolean;
  readonly requireTests: boolean;
  readonly warningsAsErrors: boolean;
}

export interface KyvernoApplyFlags {
  readonly resource: readonly string[];
  readonly resources: readonly string[];
  readonly targetResource: readonly string[];
  readonly targetResources: readonly string[];
  readonly json: readonly string[];
  readonly exception: readonly string[];
  readonly exceptions: readonly string[];
  readonly exceptionsWithResources: boolean;
  readonly exceptionsWithinResources: boolean;
  readonly exceptionsWithinPolicies: boolean;
  readonly set?: readonly string[];
  readonly valuesFile: string;
  readonly userinfo: string;
  readonly output: string;
  readonly policyReport: boolean;
  readonly outputFormat: string;
  readonly table: boolean;
  readonly detailedResults: boolean;
  readonly removeColor: boolean;
  readonly stdin: boolean;
  readonly auditWarn: boolean;
  readonly warnExitCode: number;
  readonly warnNoPass: boolean;
  readonly warningsAsErrors: boolean;
  readonly continueOnFail: boolean;
  readonly generateExceptions: boolean;
  readonly generatedExceptionTtl: string;
  readonly cluster: boolean;
  readonly namespace: string;
  readonly clusterWideResources: boolean;
  readonly kubeconfig: string;
  readonly context: string;
  readonly contextFile: string;
  readonly parameterResource: readonly string[];
  readonly httpPayload: readonly string[];
  readonly envoyPayload: readonly string[];
  readonly registry: boolean;
}
