// Calls that Kyverno's policies make to services (`context[].apiCall.service`). A policy names the address, so it gets no
// more than anybody would: no token of ours, no redirects, no address of this machine or of a cloud's metadata service,
// whatever name resolves to it, and an answer of limited size. Kyverno: pkg/engine/apicall/executor.go, pkg/toggle.

import { lookup } from "node:dns";
import { type IncomingMessage, type RequestOptions, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { BlockList, type LookupFunction, isIP } from "node:net";
import { isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Answer } from "@portcullis/lang";

export interface ServiceCallOptions {
  /** Subnets and host names that no call reaches; Kyverno's own when absent. Kyverno: --httpBlocklist. */
  readonly blocklist?: readonly string[];
  /** Beginnings of URLs, one of which a call must have; any when empty. Kyverno: --httpAllowlist. */
  readonly allowlist?: readonly string[];
}

type CallService = (call: unknown, signal: AbortSignal) => Promise<Answer>;

/** Kyverno's, and all other link-local addresses. */
const usualBlocklist = [
  "169.254.0.0/16",
  "fe80::/10",
  "fd00:ec2::254/128",
  "metadata.google.internal",
  "127.0.0.0/8",
  "::1/128",
];

/** Kyverno: --maxAPICallResponseLength, --apiCallTimeout. */
const responseBytesMax = 10 * 1000 * 1000;
const timeoutMs = 30_000;

export function createServiceCalls(options: ServiceCallOptions = {}): CallService {
  const { blocklist = usualBlocklist, allowlist = [] } = options;
  const blocked = readBlocklist(blocklist);
  return async (call, signal) => {
    const text = stringAt(call, "service", "url");
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
      return { error: `failed to validate URL: invalid URL ${text}` };
    }
    const refused = refusal(url, text, { blocked, allowlist });
    if (refused !== null) return { error: `failed to validate URL: ${refused}` };
    const method = stringAt(call, "method") || "GET";
    if (method !== "GET" && method !== "POST") return { error: `invalid request type ${method}` };
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      return await send({ url, method, call, signal: limit, lookup: guardedLookup(blocked) });
    } catch (error) {
      return {
        error: `failed to execute HTTP request: ${method === "GET" ? "Get" : "Post"} "${text}": ${messageOf(error)}`,
      };
    }
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// ── which addresses

interface Blocked {
  readonly subnets: BlockList;
  readonly hosts: ReadonlySet<string>;
}

/** Throws a TypeError for a subnet that is none. */
function readBlocklist(entries: readonly string[]): Blocked {
  const subnets = new BlockList();
  const hosts = new Set<string>();
  for (const entry of entries.map((one) => one.trim()).filter((one) => one !== "")) {
    const [address = "", prefix] = entry.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix !== undefined) subnets.addSubnet(address, Number(prefix), family);
    else if (isIP(address) !== 0) subnets.addAddress(address, family);
    else hosts.add(entry.toLowerCase());
  }
  return { subnets, hosts };
}

function isBlocked({ subnets }: Blocked, address: string): boolean {
  return subnets.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

interface Rules {
  readonly blocked: Blocked;
  readonly allowlist: readonly string[];
}

/** Null: it may be called, unless its name resolves to what may not. */
function refusal(url: URL, text: string, { blocked, allowlist }: Rules): string | null {
  const host = url.hostname.replaceAll(/^\[|\]$/g, "");
  if (allowlist.length > 0 && !allowlist.some((entry) => isAllowed(url, entry))) {
    return `URL "${text}" is not permitted: no matching allowlist entry`;
  }
  if (blocked.hosts.has(host.toLowerCase().replace(/\.$/, ""))) {
    return `URL "${text}" is blocked: hostname "${host}" is on the blocklist`;
  }
  if (isIP(host) !== 0 && isBlocked(blocked, host)) return `connection to ${host} blocked: it is on the blocklist`;
  return null;
}

/** The same scheme, host and port, and a path below that of the entry. */
function isAllowed(url: URL, entry: string): boolean {
  if (!URL.canParse(entry)) return false;
  const allowed = new URL(entry);
  const path = allowed.pathname.replace(/\/$/, "");
  return url.origin === allowed.origin && (url.pathname === path || url.pathname.startsWith(`${path}/`));
}

/** The system's, where names that resolve to a blocked address do not resolve. */
function guardedLookup(blocked: Blocked): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const isBad = error === null && addresses.some(({ address }) => isBlocked(blocked, address));
      if (error !== null) callback(error, "");
      else if (isBad) callback(new Error(`connection to ${hostname} blocked: it resolves into a blocked range`), "");
      else if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? "", addresses[0]?.family);
    });
  };
}

// ── one call

interface Sending {
  readonly url: URL;
  readonly method: string;
  readonly call: unknown;
  readonly signal: AbortSignal;
  readonly lookup: LookupFunction;
}

function send({ url, method, call, signal, lookup: resolveName }: Sending): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const caBundle = stringAt(call, "service", "caBundle");
    const body = method === "POST" ? `${JSON.stringify(dataOf(call))}\n` : null;
    const options: RequestOptions & { readonly ca?: string } = {
      method,
      signal,
      lookup: resolveName,
      headers: { ...headersOf(call), ...(body !== null && { "content-length": Buffer.byteLength(body) }) },
      ...(caBundle !== "" && { ca: caBundle }),
    };
    const start = url.protocol === "https:" ? httpsRequest : httpRequest;
    const outgoing = start(url, options, (incoming) => {
      readAnswer(incoming, resolve, reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body ?? undefined);
  });
}

function dataOf(call: unknown): unknown {
  return Object.fromEntries(listAt(call, "data").map((one) => [stringAt(one, "key"), valueAt(one, "value")]));
}

function headersOf(call: unknown): Readonly<Record<string, string>> {
  const headers = listAt(call, "service", "headers").filter((one) => isObject(one));
  return Object.fromEntries(headers.map((one) => [stringAt(one, "key"), stringAt(one, "value")]));
}

function listAt(tree: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = valueAt(tree, ...path);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function readAnswer(
  incoming: IncomingMessage,
  resolve: (answer: Answer) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= responseBytesMax) {
      chunks.push(chunk);
      return;
    }
    const error = `response length must be less than max allowed response length of ${responseBytesMax}`;
    resolve({ error });
    incoming.destroy();
  });
  incoming.on("error", reject);
  incoming.on("end", () => {
    resolve(answerOf(incoming, Buffer.concat(chunks).toString("utf8")));
  });
}

function answerOf({ statusCode = 0, statusMessage = "" }: IncomingMessage, text: string): Answer {
  if (statusCode < 200 || statusCode >= 300) return { error: `HTTP ${statusCode} ${statusMessage}: ${text}` };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { error: `failed to read the answer: ${messageOf(error)}` };
  }
}
