// What `serve` can be told, with what it does when it is not told.

import { availableParallelism, hostname } from "node:os";
import type { AdmissionSettings, ExemptNamespaces, KyvernoOptions } from "@portcullis/policy";
import type { CertificateSource } from "../server/certificates/reload.ts";
import type { EntryNote } from "../server/decided.ts";
import type { AdmissionRecord } from "../server/metrics.ts";
import type { ShadowDecision } from "../server/shadow.ts";
import type { ClusterSide } from "./cluster.ts";
import type { DecisionSettings } from "./decision.ts";
import type { DecisionLogOptions } from "./decisionlog.ts";
import type { Fetchers } from "./fetch.ts";
import type { Logger } from "./log.ts";
import type { PolicyWarnings } from "./policywarnings.ts";
import type { Telling } from "./recorded.ts";

export interface ServeOptions {
  /** Files and folders with policies; Namespaces in them are known to policies. */
  readonly policies: readonly string[];
  /** Files and folders with the objects of a cluster: Namespaces, and what `data.inventory` shows. */
  readonly data?: readonly string[];
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** 8443 when absent; 0 takes any free port. */
  readonly port?: number;
  /** Serves `/metrics` without TLS on a port of its own, and no longer beside the webhook. */
  readonly metricsPort?: number;
  /** PEM files, read again when they change; without them, an authority is made at start. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Instead of files and of an authority made at start. */
  readonly certificates?: CertificateSource;
  /** Policies and data come from a cluster too. */
  readonly cluster?: ClusterSide;
  /** Names and addresses in the certificate of our own authority, besides this machine's. */
  readonly names?: readonly string[];
  /** Where to write the certificate of our own authority. */
  readonly caFile?: string;
  /** `1.3` when absent, as Gatekeeper. */
  readonly tlsMinVersion?: "1.2" | "1.3";
  /** Clients must show a certificate of this authority (PEM file) and name; the name is kube-apiserver when absent. */
  readonly clients?: { readonly caFile: string; readonly commonName?: string };
  /** Evaluation threads; 0 evaluates in the thread of the server. When absent: `workerCount`. */
  readonly workers?: number;
  /** Log each violation. */
  readonly logDenies?: boolean;
  /** The namespace whose `gatekeeper-admin` is never refused; gatekeeper-system when absent. */
  readonly gatekeeperNamespace?: string;
  /** Admit constraints whose enforcement actions or points nobody knows. */
  readonly allowUnknownEnforcement?: boolean;
  /** Namespaces that may have the label that takes them out of Gatekeeper's sight; none when absent. */
  readonly exempt?: ExemptNamespaces;
  /** What more of Gatekeeper's flags say. */
  readonly gatekeeper?: GatekeeperServing;
  /** What Kyverno's flags say; absent as Kyverno itself does without flags. */
  readonly kyverno?: KyvernoServing;
  /** Somebody who is told of each answered request, with these details. */
  readonly told?: Omit<Telling, "mutations" | "stats"> & { readonly tell: (record: AdmissionRecord) => void };
  /** Somebody who is told of each write that is let through, and of what is decided in shadow about it. */
  readonly entries?: {
    readonly entered: (note: EntryNote) => void;
    readonly shadowed: (note: EntryNote, ours: Pick<ShadowDecision, "allowed" | "message">) => void;
  };
  /** More to say of a policy that is about to be stored. */
  readonly policyWarnings?: PolicyWarnings;
  /** A log of all decisions; none when absent. */
  readonly decisionLog?: Omit<DecisionLogOptions, "onWritten" | "onDropped" | "onError"> &
    DecisionSettings & {
      /** This replica's name; the machine's when absent. */
      readonly replica?: string;
    };
  /** What policies may ask for beside what data files tell, by the kind of need. */
  readonly fetchers?: Fetchers;
  /** How long to go on answering after the end was asked for, while readiness fails; 0 when absent. */
  readonly shutdownDelayMs?: number;
  /** How long requests have to finish at the end; 10 s when absent. */
  readonly shutdownLimitMs?: number;
  /** Standard error when absent. */
  readonly logger?: Logger;
  /** Shows what takes long; nothing when absent. */
  readonly progress?: (text: string | null) => void;
}

/** Gatekeeper's flags. */
export interface GatekeeperServing {
  /** Providers may be asked; true when absent. */
  readonly externalData?: boolean;
  /** How long answers of providers are remembered for verdicts; 3 minutes when absent. */
  readonly externalDataTtlMs?: number;
  /** Mutated objects say by what they were. */
  readonly mutationAnnotations?: boolean;
  /** Log each object that was mutated, and by what. */
  readonly logMutations?: boolean;
  /** Log how long each template took about a request. */
  readonly logStats?: boolean;
  /** Built-ins that no template may call. */
  readonly disabledBuiltins?: readonly string[];
}

/** Kyverno's flags of these names, and our own. */
export interface KyvernoServing {
  readonly enablePolicyException?: boolean;
  /** The namespace that exceptions must be in; `*` is any. */
  readonly exceptionNamespace?: string;
  /** Only Kyverno changes what it made. */
  readonly protectManagedResources?: boolean;
  /** Answer as Kyverno does where docs/compatibility.md says "Switch". */
  readonly answersAsPeer?: boolean;
  /** `namespace/name` of the ConfigMap with Kyverno's settings; `kyverno/kyverno` when absent. */
  readonly configMap?: string;
  /** Where our own service accounts are, on a cluster. */
  readonly ownNamespace?: string;
}

/** What an evaluator, wherever it runs, is told. */
export interface EvaluatorSettings {
  /** What records of requests tell, for the log. */
  readonly telling: Telling;
  readonly admission: AdmissionSettings;
  readonly exempt: ExemptNamespaces;
  /** Reports say what the policies reach and want (account.ts), for whoever works on a cluster. */
  readonly tellAccount: boolean;
  /** What policies look at are the objects of a cluster, and not those of files. */
  readonly isConnected: boolean;
  /** Kinds of needs that can be fetched; of others only the objects of data files tell. */
  readonly fetches: readonly string[];
  readonly gatekeeper: GatekeeperSetup;
  readonly kyverno: KyvernoSetup;
  /** What the decision log keeps; null: there is none. */
  readonly decisions: DecisionSettings | null;
  /** Replies say which write they let through. */
  readonly notesEntries: boolean;
}

type GatekeeperSetup = Required<Pick<GatekeeperServing, "externalData" | "mutationAnnotations" | "disabledBuiltins">>;

export interface KyvernoSetup extends KyvernoOptions {
  /** The namespaces whose service accounts alone change what Kyverno made; null: anybody does. */
  readonly protectedBy: readonly string[] | null;
}

export function evaluatorSettings(options: Partial<ServeOptions> = {}): EvaluatorSettings {
  const { logDenies, gatekeeperNamespace, allowUnknownEnforcement, exempt } = options;
  return {
    telling: {
      violations: logDenies === true || options.told?.violations === true,
      mutations: options.gatekeeper?.logMutations ?? false,
      stats: options.gatekeeper?.logStats ?? false,
      kyverno: options.told?.kyverno ?? false,
      reports: options.told?.reports ?? false,
    },
    admission: {
      namespace: gatekeeperNamespace ?? "gatekeeper-system",
      validatesEnforcement: allowUnknownEnforcement !== true,
    },
    exempt: exempt ?? { names: [], prefixes: [], suffixes: [] },
    tellAccount: options.cluster !== undefined,
    isConnected: options.cluster !== undefined,
    fetches: Object.keys(options.fetchers ?? {}),
    gatekeeper: gatekeeperSetup(options.gatekeeper ?? {}),
    kyverno: kyvernoSetup(options.kyverno ?? {}),
    decisions: options.decisionLog === undefined ? null : decisionSettings(options.decisionLog),
    notesEntries: options.entries !== undefined,
  };
}

function decisionSettings({ redact, users }: DecisionSettings): DecisionSettings {
  return { redact, users };
}

function gatekeeperSetup(flags: GatekeeperServing): GatekeeperSetup {
  const { externalData = true, mutationAnnotations = false, disabledBuiltins = [] } = flags;
  return { externalData, mutationAnnotations, disabledBuiltins };
}

function kyvernoSetup(flags: KyvernoServing): KyvernoSetup {
  const [namespace = "", name = ""] = (flags.configMap ?? "kyverno/kyverno").split("/");
  return {
    settings: {
      exceptionNamespace: flags.enablePolicyException === true ? (flags.exceptionNamespace ?? "") : null,
      peerAnswers: flags.answersAsPeer === true,
    },
    configMap: { namespace, name },
    protectedBy: flags.protectManagedResources === true ? [namespace, flags.ownNamespace ?? namespace] : null,
  };
}

const mostWorkers = 8;

/**
 * One core is left to the thread that answers connections: on two cores, a second evaluator adds a tenth to the
 * saturated rate, and 50 MB.
 */
export function workerCount(asked: number | undefined): number {
  return asked ?? Math.min(mostWorkers, Math.max(1, availableParallelism() - 1));
}

/** Names for which our own authority certifies the server. */
export function serverNames({ names = [], host }: Pick<ServeOptions, "names" | "host">): readonly string[] {
  const bound = host === undefined || host === "0.0.0.0" || host === "::" ? [] : [host];
  return [...new Set([...names, ...bound, "localhost", "127.0.0.1", "::1", hostname()])];
}
