// An external data provider in one file: it knows which images of a registry are signed, and by which digest. Keys are
// images with tags. A known one is answered with its digest; an unknown one is an error of that key; the rest of the
// protocol is Gatekeeper's: a ProviderRequest in, a ProviderResponse out, over TLS.
//
//   node examples/external-data/provider.ts PROVIDER.yaml [PORT]
//
// makes a certificate, listens on https://127.0.0.1:8090 and writes the Provider that says so.

import { writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { selfSigned } from "../../packages/portcullis/src/server/certificates/reload.ts";

const signed: Readonly<Record<string, string>> = {
  "registry.example.com/web:1.0": `registry.example.com/web@sha256:${"a".repeat(64)}`,
  "registry.example.com/db:2.1": `registry.example.com/db@sha256:${"b".repeat(64)}`,
};

function answer(keys: readonly string[]): unknown {
  const items = keys.map((key) => {
    const value = signed[key];
    return value === undefined ? { key, error: "not signed" } : { key, value };
  });
  return {
    apiVersion: "externaldata.gatekeeper.sh/v1beta1",
    kind: "ProviderResponse",
    // The same key has the same answer: what mutators ask of a provider.
    response: { idempotent: true, items },
  };
}

const [file, port = "8090"] = process.argv.slice(2);
if (file === undefined) throw new Error("expected the file to write the Provider to");
const { pair, ca } = await selfSigned(["127.0.0.1"]);
const server = createServer({ ...pair, minVersion: "TLSv1.3" }, (incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => {
    const { request } = JSON.parse(Buffer.concat(chunks).toString()) as { request?: { keys?: string[] } };
    outgoing.setHeader("content-type", "application/json");
    outgoing.end(JSON.stringify(answer(request?.keys ?? [])));
  });
});
await new Promise<void>((resolve) => {
  server.listen(Number(port), "127.0.0.1", resolve);
});
await writeFile(
  file,
  `apiVersion: externaldata.gatekeeper.sh/v1beta1
kind: Provider
metadata:
  name: signatures
spec:
  url: https://127.0.0.1:${port}
  timeout: 1
  caBundle: ${Buffer.from(ca ?? "").toString("base64")}
`,
);
process.stderr.write(`answers on https://127.0.0.1:${port}; ${file} says so\n`);
