// The flags of commands as commander gives them.

export interface ServeFlags {
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
}

export interface GatorTestFlags {
  readonly filename: readonly string[];
  readonly output: string;
  readonly trace: boolean;
  readonly stats: boolean;
  readonly verbose: boolean;
  readonly denyOnly: boolean;
  readonly image: readonly string[];
}

export interface GatorVerifyFlags {
  readonly run: string;
  readonly verbose: boolean;
  readonly trace: boolean;
  readonly kubeVersion?: string;
}
