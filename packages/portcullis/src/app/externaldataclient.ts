// Sends one request to one external data provider. Providers are named by policies and are not trusted more than that:
// only TLS 1.3 under the Provider's own authority, no redirects, no address of a cloud's metadata service, an answer of
// limited size, and never longer than the Provider's time or its caller's patience.
//
// Errors are in Go's words, because they reach users through `system_error` and denials: connections that are refused,
// certificates that do not fit, time that is up. Gatekeeper: frameworks pkg/externaldata/request.go.

import { lookup } from "node:dns";
import { BlockList, type LookupFunction, isIP } from "node:net";
import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";

export interface ProviderAddress {
  readonly url: string;
  readonly timeoutMs: number;
  /** PEM in Base64. */
  readonly caBundle: string;
}

/** PEM. */
export interface ClientPair {
  readonly cert: string;
  readonly key: string;
}

interface ProviderClient {
  send(address: ProviderAddress, keys: readonly string[], signal: AbortSignal): Promise<Sent>;
}

type Sent = { readonly statusCode: number; readonly body: string } | { readonly error: string };

/** An answer of more bytes than these is none. */
const bodyBytesMax = 4 * 1024 * 1024;

export function createProviderClient(pair: () => ClientPair | null): ProviderClient {
  const agents = createAgents();
  return {
    send: async (address, keys, signal) => {
      const body = JSON.stringify({
        apiVersion: "externaldata.gatekeeper.sh/v1beta1",
        kind: "ProviderRequest",
        request: { keys },
      });
      const limit = AbortSignal.any([signal, AbortSignal.timeout(address.timeoutMs)]);
      try {
        return await post({ address, agent: agents.for(address, pair()), body, signal: limit });
      } catch (error) {
        return {
          error: `failed to send external data request: Post "${address.url}": ${goText(error, limit, address)}`,
        };
      }
    },
  };
}

// ── connections

interface Agents {
  for(address: ProviderAddress, pair: ClientPair | null): Agent;
}

const agentsMax = 256;

/** One per address, authority and own certificate; connections stay open for a while. */
function createAgents(): Agents {
  const agents = new Map<string, { readonly agent: Agent; readonly pair: ClientPair | null }>();
  return {
    for: ({ url, caBundle }, pair) => {
      const name = `${url} ${caBundle}`;
      const known = agents.get(name);
      if (known !== undefined && known.pair === pair) return known.agent;
      known?.agent.destroy();
      if (agents.size >= agentsMax) forget(agents);
      const agent = new Agent({
        keepAlive: true,
        keepAliveMsecs: 30_000,
        timeout: 90_000,
        maxFreeSockets: 10,
        minVersion: "TLSv1.3",
        ca: Buffer.from(caBundle, "base64").toString("utf8"),
        allowPartialTrustChain: true,
        ...(pair !== null && { cert: pair.cert, key: pair.key }),
      });
      agents.set(name, { agent, pair });
      return agent;
    },
  };
}

function forget(agents: Map<string, { readonly agent: Agent }>): void {
  for (const { agent } of agents.values()) agent.destroy();
  agents.clear();
}

// ── one request

interface Posting {
  readonly address: ProviderAddress;
  readonly agent: Agent;
  readonly body: string;
  readonly signal: AbortSignal;
}

function post({ address, agent, body, signal }: Posting): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const url = new URL(address.url);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (isIP(host) !== 0 && isBlocked(host)) throw blocked(host);
    const options = {
      method: "POST",
      agent,
      signal,
      lookup: allowedLookup,
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    };
    const outgoing = httpsRequest(url, options, (incoming) => {
      readAnswer(incoming, resolve, reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function readAnswer(incoming: IncomingMessage, resolve: (sent: Sent) => void, reject: (error: Error) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) {
      resolve({ error: `failed to read external data response: it is larger than ${bodyBytesMax} bytes` });
      incoming.destroy();
    } else chunks.push(chunk);
  });
  incoming.on("error", reject);
  incoming.on("end", () => {
    resolve({ statusCode: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
  });
}

// ── addresses

/** Where clouds tell a machine its credentials. */
const metadataAddresses = new BlockList();
metadataAddresses.addSubnet("169.254.0.0", 16, "ipv4");
metadataAddresses.addSubnet("fe80::", 10, "ipv6");
metadataAddresses.addAddress("fd00:ec2::254", "ipv6");
metadataAddresses.addAddress("100.100.100.200", "ipv4");

function isBlocked(address: string): boolean {
  return metadataAddresses.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function blocked(address: string): Error {
  return new Error(`${address} is an address of this machine's metadata, which policies may not reach`);
}

/** The system's, without addresses that nobody may reach. */
const allowedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const bad = error === null ? addresses.find(({ address }) => isBlocked(address)) : undefined;
    if (error !== null) callback(error, "");
    else if (bad !== undefined) callback(blocked(bad.address), "");
    else if (options.all === true) callback(null, addresses);
    else callback(null, addresses[0]?.address ?? "", addresses[0]?.family);
  });
};

// ── Go's words

interface NodeError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

function goText(error: unknown, signal: AbortSignal, { url }: ProviderAddress): string {
  if (signal.aborted) return "context deadline exceeded";
  const { code = "", message, address = "", port = 0, hostname = "" } = error as NodeError;
  const dialed = `dial tcp ${address.includes(":") ? `[${address}]` : address}:${port}`;
  switch (code) {
    case "ECONNREFUSED":
      return `${dialed}: connect: connection refused`;
    case "EHOSTUNREACH":
      return `${dialed}: connect: no route to host`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `dial tcp: lookup ${hostname}: no such host`;
    case "ECONNRESET":
      return "EOF";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `tls: failed to verify certificate: x509: certificate is not valid for ${new URL(url).hostname}`;
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    default:
      return isUntrusted.test(code) ? unknownAuthority : message;
  }
}

const unknownAuthority = "tls: failed to verify certificate: x509: certificate signed by unknown authority";

const isUntrusted =
  /^(?:UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED)/;
