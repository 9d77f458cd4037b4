// An external data provider for tests, over TLS on loopback. It answers as it is told: each key with `key_valid`, or slowly,
// wrongly, with too much, or not at all.

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { type CertificateSource, selfSigned } from "../../src/server/certificates/reload.ts";

export interface TestProvider extends AsyncDisposable {
  /** A Provider object in YAML. */
  readonly yaml: (options?: { readonly name?: string; readonly timeout?: number; readonly ca?: string }) => string;
  /** The keys of each request that came. */
  readonly requests: (readonly string[])[];
  /** The common name of the client's certificate in the last request. */
  readonly client: () => string | undefined;
  behaviour: Behaviour;
}

export type Behaviour =
  | { readonly kind: "good" }
  /** After so many milliseconds. */
  | { readonly kind: "slow"; readonly ms: number }
  | { readonly kind: "body"; readonly status?: number; readonly body: string }
  /** Never. */
  | { readonly kind: "silent" }
  | { readonly kind: "redirect" };

export async function startProvider(): Promise<TestProvider> {
  const certificates = await selfSigned(["127.0.0.1"]);
  const requests: (readonly string[])[] = [];
  let client: string | undefined;
  const server = createServer(
    { ...certificates.pair, minVersion: "TLSv1.3", requestCert: true, rejectUnauthorized: false },
    (incoming, outgoing) => {
      client = (incoming.socket as TLSSocket).getPeerCertificate().subject?.CN?.toString();
      void keysOf(incoming).then((keys) => {
        requests.push(keys);
        return answer(provider.behaviour, keys, outgoing);
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  const provider: TestProvider = {
    behaviour: { kind: "good" },
    requests,
    client: () => client,
    yaml: (options) => yamlOf(port, certificates, options),
    [Symbol.asyncDispose]: close,
  };
  return provider;
}

function yamlOf(port: number, { ca }: CertificateSource, options: Parameters<TestProvider["yaml"]>[0] = {}): string {
  const { name = "p", timeout = 3, ca: otherCa } = options;
  const caBundle = Buffer.from(otherCa ?? ca ?? "").toString("base64");
  return JSON.stringify({
    apiVersion: "externaldata.gatekeeper.sh/v1beta1",
    kind: "Provider",
    metadata: { name },
    spec: { url: `https://127.0.0.1:${port}/validate`, timeout, caBundle },
  });
}

async function keysOf(incoming: IncomingMessage): Promise<readonly string[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { request } = JSON.parse(Buffer.concat(chunks).toString()) as { request: { keys: readonly string[] } };
  return request.keys;
}

async function answer(behaviour: Behaviour, keys: readonly string[], outgoing: ServerResponse): Promise<void> {
  switch (behaviour.kind) {
    case "silent":
      return;
    case "redirect":
      outgoing.writeHead(307, { location: "https://127.0.0.1:1/" }).end();
      return;
    case "body":
      outgoing.writeHead(behaviour.status ?? 200).end(behaviour.body);
      return;
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, behaviour.ms));
      break;
    case "good":
      break;
    default:
      behaviour satisfies never;
  }
  if (outgoing.destroyed) return;
  outgoing.end(JSON.stringify(response(keys)));
}

/** As Gatekeeper's own provider for tests: `error_` and `_systemError` fail, and what is valid has no answer. */
function response(keys: readonly string[]): unknown {
  const isFailing = keys.some((key) => key.endsWith("_systemError"));
  const items = keys
    .filter((key) => !key.endsWith("_valid"))
    .map((key) => (key.startsWith("error_") ? { key, error: `${key}_invalid` } : { key, value: `${key}_valid` }));
  return {
    apiVersion: "externaldata.gatekeeper.sh/v1beta1",
    kind: "ProviderResponse",
    response: isFailing ? { idempotent: true, systemError: "testing system error" } : { idempotent: true, items },
  };
}
