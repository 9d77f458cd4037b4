// The server over real TLS on 127.0.0.1: what it answers to what, its limits, exchanging the certificate, and its end.

import assert from "node:assert/strict";
import { Agent } from "node:https";
import { connect as connectTcp } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { selfSigned } from "../../src/server/certificates/reload.ts";
import { allowReply, allowing, reviewText, send, startServer } from "./client.ts";

test("an admission review is decided, and its deadline lies before the timeout that the client names", async () => {
  const deadlines: number[] = [];
  await using running = await startServer(
    allowing((_body, deadlineMs) => deadlines.push(deadlineMs - performance.now())),
  );
  for (const timeout of ["3s", "500ms", "1m0s", "nonsense"]) {
    const { status, text } = await send(`${running.url}/v1/admit?timeout=${timeout}`, {
      body: reviewText(),
      ca: running.ca,
    });
    assert.equal(status, 200);
    assert.match(
      text,
      /^\{"kind":"AdmissionReview","apiVersion":"admission.k8s.io\/v1","response":\{"uid":"1","allowed":true/,
    );
  }
  const [three = 0, half = 0, minute = 0, none = 0] = deadlines;
  assert.ok(three > 2500 && three < 3000, `3s: ${three}`);
  assert.ok(half > 300 && half < 500, `500ms: ${half}`);
  assert.ok(minute > 29_000 && minute < 30_000, `1m0s is cut to kube-apiserver's 30 s: ${minute}`);
  assert.ok(none > 9000 && none < 10_000, `nonsense counts as none: ${none}`);
});

test("what is no admission request is refused with the reason", async () => {
  await using running = await startServer(allowing());
  const { url, ca } = running;
  const cases = [
    { path: "/v1/admit", sent: { method: "GET" }, status: 405, text: "expected a POST, got a GET\n" },
    {
      path: "/v1/admit",
      sent: { headers: { "content-type": "text/yaml" }, body: "a: b" },
      status: 415,
      text: "contentType=text/yaml, expected application/json\n",
    },
    {
      path: "/v1/admit",
      sent: { headers: { "content-encoding": "gzip" }, body: "x" },
      status: 415,
      text: "contentEncoding=gzip, expected none\n",
    },
    {
      path: "/v1/other",
      sent: {},
      status: 404,
      text: "not found: there are POST /v1/admit, /v1/mutate and /v1/admitlabel, POST /validate[/fail|/ignore], /mutate[/fail|/ignore] and /policyvalidate, GET /healthz, /readyz and /metrics\n",
    },
  ];
  for (const { path, sent, status, text } of cases) {
    const received = await send(`${url}${path}`, { ...sent, ca });
    assert.deepEqual({ status: received.status, text: received.text }, { status, text });
  }
  for (const headers of [{ "content-type": "text/yaml" }, { "content-type": "" }, { "content-encoding": "br" }]) {
    const received = await send(`${url}/v1/admit`, { headers, body: reviewText({ uid: "u-415" }), ca });
    const { response } = JSON.parse(received.text) as { response: { uid: string; status: { code: number } } };
    assert.deepEqual([received.status, response.uid, response.status.code], [200, "u-415", 415]);
  }
  const utf8 = { "content-type": "application/json; charset=utf-8" };
  assert.equal((await send(`${url}/v1/admit`, { headers: utf8, body: reviewText(), ca })).status, 200);
  assert.deepEqual(running.errors, []);
});

test("a body over the limit is refused with its uid when that stands in its first part, else with 413", async () => {
  await using running = await startServer(allowing(), { bodyBytes: 100_000 });
  const { url, ca } = running;
  const big = { padding: "x".repeat(200_000) };
  const withUid = await send(`${url}/v1/admit`, { body: reviewText({ uid: "big-1", object: big }), ca });
  assert.equal(withUid.status, 200);
  const { response } = JSON.parse(withUid.text) as { response: { uid: string; allowed: boolean; status: unknown } };
  assert.deepEqual(response, {
    uid: "big-1",
    allowed: false,
    status: { metadata: {}, message: "the request's body is larger than the 100000 bytes that are taken", code: 413 },
  });
  const without = await send(`${url}/v1/admit`, { body: "x".repeat(200_000), ca });
  assert.equal(without.status, 413);
});

test("a body of 16 MiB is taken whole", async () => {
  let size = 0;
  await using running = await startServer(allowing((body) => (size = body.length)));
  const body = reviewText({ object: { padding: "x".repeat(16 * 1024 * 1024 - 1000) } });
  assert.equal((await send(`${running.url}/v1/admit`, { body, ca: running.ca })).status, 200);
  assert.equal(size, body.length);
});

test("large bodies wait for one of few slots, and are refused when none comes free", async () => {
  const first = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const decide = async () => {
    asked.resolve();
    await first.promise;
    return allowReply("1");
  };
  await using running = await startServer(decide, { largeBodies: 1, smallBodyBytes: 1000 });
  const body = reviewText({ uid: "wait", object: { padding: "x".repeat(50_000) } });
  const held = send(`${running.url}/v1/admit?timeout=10s`, { body, ca: running.ca });
  await asked.promise;
  const refused = await send(`${running.url}/v1/admit?timeout=200ms`, { body, ca: running.ca });
  assert.match(refused.text, /"uid":"wait","allowed":false,.*"code":503/);
  first.resolve();
  assert.match((await send(`${running.url}/v1/admit`, { body: reviewText(), ca: running.ca })).text, /"allowed":true/);
  assert.match((await held).text, /"allowed":true/);
  assert.match((await send(`${running.url}/v1/admit`, { body, ca: running.ca })).text, /"allowed":true/);
});

test("an error of the decider answers 500, is told, and ends nothing else", async () => {
  let calls = 0;
  await using running = await startServer(() =>
    calls++ === 0 ? Promise.reject(new Error("secret detail")) : Promise.resolve(allowReply("2")),
  );
  const failed = await send(`${running.url}/v1/admit`, { body: reviewText(), ca: running.ca });
  assert.deepEqual([failed.status, failed.text], [500, "internal error\n"]);
  assert.match(String(running.errors[0]), /secret detail/);
  assert.equal((await send(`${running.url}/v1/admit`, { body: reviewText(), ca: running.ca })).status, 200);
});

test("health, readiness and metrics", async () => {
  await using running = await startServer(allowing());
  const { url, ca, health } = running;
  const get = (path: string) => send(`${url}${path}`, { method: "GET", ca });
  assert.equal((await get("/healthz")).text, "ok");
  assert.equal((await get("/readyz")).text, "ok");
  assert.equal((await get("/readyz?verbose")).text, "[+]policies ok\nreadyz check passed\n");
  health.set("policies", "the policies are not loaded yet");
  const unready = await get("/readyz");
  assert.deepEqual(
    [unready.status, unready.text],
    [503, "[-]policies the policies are not loaded yet\nreadyz check failed\n"],
  );
  await send(`${url}/v1/admit`, { body: reviewText(), ca });
  const { text } = await get("/metrics");
  assert.match(
    text,
    /gatekeeper_validation_request_count_total\{admission_status="allow",admission_dryrun="false"\} 1/,
  );
  assert.match(text, /gatekeeper_validation_request_duration_seconds_bucket\{le="0.001",admission_status="allow"\} \d/);
});

test("a client that does not speak TLS, or not to the end, disturbs nobody", async () => {
  await using running = await startServer(allowing(), { headersMs: 300 });
  const { port } = running.server;
  for (const bytes of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.from([0x16, 3, 1, 0xff, 0xff]), Buffer.alloc(0)]) {
    const closed = new Promise<void>((resolve) => {
      const socket = connectTcp(port, "127.0.0.1", () => socket.write(bytes));
      socket.on("error", () => {}).on("close", () => resolve());
      socket.resume();
    });
    assert.equal((await send(`${running.url}/v1/admit`, { body: reviewText(), ca: running.ca })).status, 200);
    await closed;
  }
});

test("TLS 1.2 is refused unless it is asked for", async () => {
  await using running = await startServer(allowing());
  const { port } = running.server;
  await assert.rejects(
    new Promise((resolve, reject) => {
      connectTls({ port, host: "127.0.0.1", ca: running.ca, maxVersion: "TLSv1.2" }, () => resolve(null)).on(
        "error",
        reject,
      );
    }),
    /alert protocol version|PROTOCOL_VERSION/i,
  );
});

test("a client that sends its headers or its body slowly is cut off in time", async () => {
  await using running = await startServer(allowing(), { headersMs: 300, requestMs: 600 });
  const { port } = running.server;
  const starts = ["POST /v1/admit HTTP/1.1\r\nhost: x\r\n", slowBody];
  for (const start of starts) {
    const startMs = performance.now();
    const answer = await new Promise<string>((resolve, reject) => {
      let text = "";
      const socket = connectTls({ port, host: "127.0.0.1", ca: running.ca }, () => socket.write(start));
      socket.on("data", (data: Buffer) => (text += data.toString("latin1")));
      socket.on("error", reject).on("close", () => resolve(text));
    });
    assert.match(answer, /^HTTP\/1.1 408 /);
    assert.ok(performance.now() - startMs < 3000);
  }
});

test("clients who hold all connections and send nothing keep nobody out", async () => {
  await using running = await startServer(allowing(), { connections: 32 });
  const { port } = running.server;
  const held = Array.from({ length: 200 }, (_none, at) => {
    const socket = connectTls({ port, host: "127.0.0.1", ca: running.ca }, () => {
      if (at % 2 === 0) socket.write(slowBody);
    });
    return socket.on("error", () => {});
  });
  await Promise.race(held.map((socket) => new Promise((resolve) => socket.once("secureConnect", resolve))));
  const kept = new Agent({ keepAlive: true, maxSockets: 1, ca: running.ca });
  for (let time = 0; time < 10; time++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const { status } = await send(`${running.url}/v1/admit`, { body: reviewText(), ca: running.ca });
    assert.equal(status, 200);
    // oxlint-disable-next-line no-await-in-loop
    assert.equal(
      (await send(`${running.url}/v1/admit`, { body: reviewText(), ca: running.ca, agent: kept })).status,
      200,
    );
  }
  kept.destroy();
  for (const socket of held) socket.destroy();
});

const slowBody =
  "POST /v1/admit HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";

test("a new certificate serves new connections, and those that are open go on", async () => {
  await using running = await startServer(allowing());
  const { url, ca, server } = running;
  const kept = new Agent({ keepAlive: true, maxSockets: 1, ca });
  assert.equal((await send(`${url}/v1/admit`, { body: reviewText(), ca, agent: kept })).status, 200);
  const next = await selfSigned(["127.0.0.1"]);
  server.rotate(next.pair);
  const again = await send(`${url}/v1/admit`, { body: reviewText(), ca, agent: kept });
  assert.equal(again.status, 200, "the open connection goes on");
  const fresh = () => new Agent({ maxCachedSessions: 0 });
  await assert.rejects(send(`${url}/v1/admit`, { body: reviewText(), ca, agent: fresh() }), /certificate/);
  assert.equal((await send(`${url}/v1/admit`, { body: reviewText(), ca: next.ca ?? "", agent: fresh() })).status, 200);
  assert.throws(() => server.rotate({ cert: next.pair.cert, key: "broken" }));
  assert.equal((await send(`${url}/v1/admit`, { body: reviewText(), ca: next.ca ?? "", agent: fresh() })).status, 200);
  kept.destroy();
});

test("at the end, requests that run are answered and kept connections are closed", async () => {
  const decided = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const running = await startServer(async () => {
    asked.resolve();
    await decided.promise;
    return allowReply("1");
  });
  const agent = new Agent({ keepAlive: true });
  const pending = send(`${running.url}/v1/admit`, { body: reviewText(), ca: running.ca, agent });
  await asked.promise;
  const closed = running.server.close(5000);
  await assert.rejects(send(`${running.url}/v1/admit`, { body: reviewText(), ca: running.ca }), /ECONNREFUSED/);
  decided.resolve();
  assert.equal((await pending).status, 200);
  await closed;
  agent.destroy();
});

test("at the end, a request that never finishes is cut after the limit", async () => {
  const running = await startServer(() => new Promise(() => {}));
  const pending = send(`${running.url}/v1/admit`, { body: reviewText(), ca: running.ca });
  const failed = assert.rejects(pending, /socket hang up|ECONNRESET/);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await running.server.close(100);
  await failed;
});
