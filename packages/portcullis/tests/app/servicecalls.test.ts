// Policies call services, and never those that would tell them what this machine may do.

import assert from "node:assert/strict";
import { type IncomingHttpHeaders, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { createServiceCalls } from "../../src/app/servicecalls.ts";

interface Received {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Service {
  readonly base: string;
  readonly received: readonly Received[];
}

async function startService(context: TestContext): Promise<Service> {
  const received: Received[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      received.push({ method: incoming.method ?? "", headers: incoming.headers, body });
      if (incoming.url === "/moved") outgoing.writeHead(302, { location: "http://169.254.169.254/" }).end("moved");
      else if (incoming.url === "/large") outgoing.end("x".repeat(11_000_000));
      else outgoing.end('{"ok":true}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

const { signal } = new AbortController();
const open = createServiceCalls({ blocklist: [] });
const usual = createServiceCalls();

function call(url: string, more: object = {}): unknown {
  return { method: "GET", urlPath: "", service: { url }, data: [], ...more };
}

test("an answer in JSON is the value; what a policy gives is sent, and no token", async (context) => {
  const { base, received } = await startService(context);
  assert.deepEqual(await open(call(`${base}/`), signal), { value: { ok: true } });
  const headers = [{ key: "X-Policy", value: "yes" }];
  const data = [{ key: "image", value: { name: "nginx" } }];
  assert.deepEqual(
    await open(call(`${base}/`, { method: "POST", service: { url: `${base}/`, headers }, data }), signal),
    {
      value: { ok: true },
    },
  );
  const last = received.at(-1);
  assert.equal(last?.body, '{"image":{"name":"nginx"}}\n');
  assert.equal(last?.headers["x-policy"], "yes");
  assert.equal(last?.headers["authorization"], undefined);
});

test("addresses of the machine and of metadata services are not reached, whatever their name", async (context) => {
  const { base, received } = await startService(context);
  const urls = ["http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://metadata.google.internal/", `${base}/`];
  const count = received.length;
  for (const url of [...urls, "http://localhost:1/", "http://[::ffff:169.254.169.254]/", "http://2852039166/"]) {
    // oxlint-disable-next-line no-await-in-loop -- in order
    const answer = await usual(call(url), signal);
    assert.match("error" in answer ? answer.error : "", /block/, url);
  }
  assert.equal(received.length, count);
});

test("redirects, large answers and other hosts than those on the list are errors", async (context) => {
  const { base } = await startService(context);
  assert.deepEqual(await open(call(`${base}/moved`), signal), { error: "HTTP 302 Found: moved" });
  assert.deepEqual(await open(call(`${base}/large`), signal), {
    error: "response length must be less than max allowed response length of 10000000",
  });
  const listed = createServiceCalls({ blocklist: [], allowlist: ["https://allowed.example/api"] });
  assert.deepEqual(await listed(call(`${base}/`), signal), {
    error: `failed to validate URL: URL "${base}/" is not permitted: no matching allowlist entry`,
  });
});
