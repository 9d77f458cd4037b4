// TLS to the API server: its certificate is checked against the configured authority and name, ours is shown, and a proxy
// is asked for the way.

import assert from "node:assert/strict";
import { createServer as createProxy } from "node:http";
import { type Server, createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import type { TLSSocket } from "node:tls";
import { type TestContext, test } from "node:test";
import type { ClusterConfig } from "../../src/cluster/kubeconfig.ts";
import { createClient } from "../../src/cluster/client.ts";
import { plainCredentials } from "../../src/cluster/credentials.ts";
import { createAuthority } from "../../src/server/certificates/authority.ts";

async function listening(context: TestContext, server: Server | ReturnType<typeof createProxy>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function given(context: TestContext): Promise<{ readonly config: ClusterConfig; readonly names: string[] }> {
  const authority = await createAuthority();
  const names: string[] = [];
  const pair = await authority.issue(["kubernetes"]);
  const server = createServer(
    { ...pair, ca: authority.ca, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const certificate = (request.socket as TLSSocket).getPeerCertificate();
      names.push(Object.hasOwn(certificate, "subjectaltname") ? (certificate.subjectaltname ?? "") : "nobody");
      response.end("{}");
    },
  );
  const { cert, key } = await authority.issue(["jane"]);
  const config: ClusterConfig = {
    server: `https://127.0.0.1:${await listening(context, server)}`,
    namespace: "default",
    tls: { ca: { text: authority.ca }, verify: true, serverName: "kubernetes" },
    credentials: plainCredentials({ certificate: { cert: { text: cert }, key: { text: key } } }),
    impersonate: null,
    proxyUrl: null,
  };
  return { config, names };
}

async function ask(config: ClusterConfig): Promise<string> {
  const client = createClient(config);
  try {
    await client.call({ method: "GET", path: "/version" });
    return "answered";
  } catch (error) {
    return (error as Error).message.replace(/https:\S+ /, "");
  } finally {
    client.close();
  }
}

test("tls: both sides show who they are, and a wrong server is refused", async (context) => {
  const { config, names } = await given(context);
  assert.equal(await ask(config), "answered");
  const anonymous = { ...config, credentials: plainCredentials({}) };
  assert.equal(await ask(anonymous), "answered");
  assert.deepEqual(names, ["DNS:jane", "nobody"]);
  const other = { text: (await createAuthority()).ca };
  assert.match(
    await ask({ ...config, tls: { ...config.tls, ca: other } }),
    /^cannot reach (self-signed|unable to verify)/,
  );
  assert.match(
    await ask({ ...config, tls: { ...config.tls, serverName: null } }),
    /^cannot reach Hostname\/IP does not match/,
  );
  assert.equal(await ask({ ...config, tls: { ca: other, verify: false, serverName: null } }), "answered");
});

test("tls: through a proxy", async (context) => {
  const { config } = await given(context);
  const asked: string[] = [];
  const proxy = createProxy();
  proxy.on("connect", (request, inner) => {
    asked.push(request.url ?? "");
    const outer = connect(Number(new URL(config.server).port), "127.0.0.1", () => {
      inner.write("HTTP/1.1 200 Connection established\r\n\r\n");
      inner.pipe(outer).pipe(inner);
    });
    for (const socket of [inner, outer]) socket.on("error", () => undefined);
  });
  const proxyUrl = `http://127.0.0.1:${await listening(context, proxy)}`;
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 24 || (major === 24 && minor < 5)) {
    assert.throws(() => createClient({ ...config, proxyUrl }), /proxy-url needs Node/);
    return;
  }
  assert.equal(await ask({ ...config, proxyUrl }), "answered");
  assert.deepEqual(asked, [new URL(config.server).host]);
});
