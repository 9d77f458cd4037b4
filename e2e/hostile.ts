// Clients that mean harm, against the port of a webhook: all at once, while somebody else goes on asking.

import assert from "node:assert/strict";
import { type Socket, connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { review, quantile, startLoad } from "./pressure.ts";

export interface HostileOptions {
  readonly ports: readonly number[];
  /** Null when the answer is right. */
  readonly ask: () => Promise<string | null>;
  readonly say: (message: string) => void;
}

export async function hostile({ ports, ask, say }: HostileOptions): Promise<void> {
  const [port = 0] = ports;
  const load = startLoad([ask]);
  const sockets = [...slowLoris(port), ...garbage(port)];
  try {
    const huge = reviewWith({ apiVersion: "v1", kind: "ConfigMap", metadata: {}, data: { x: "x".repeat(20_000_000) } });
    const answers = await Promise.all(Array.from({ length: 4 }, () => settled(review(port, huge))));
    for (const answer of answers) {
      assert.match(answer, /"allowed":false,.*larger than|^413 |"code":503|ECONNRESET|EPIPE/, answer.slice(0, 300));
    }
    const unknown = await review(port, reviewWith({ apiVersion: "no.such/v9", kind: "Nothing", metadata: {} }));
    assert.match(unknown, /^200 .*"uid":"hostile","allowed":true/);
    const deep = await settled(review(port, `{"request":{"uid":"hostile","object":${"[".repeat(500_000)}`));
    assert.match(deep, /^(400|200) /, deep.slice(0, 300));
    const far = await settled(review(port, nested(20_000)));
    assert.match(far, /^200 .*"uid":"hostile"/, far.slice(0, 300));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  const tookMs = await load.end();
  assert.deepEqual(load.failures().slice(0, 3), []);
  assert.ok(load.asked() > 10, `${load.asked()} asked`);
  say(`${load.asked()} others answered meanwhile, p99 ${Math.round(quantile(tookMs, 0.99))} ms`);
}

function slowLoris(port: number): readonly Socket[] {
  return Array.from({ length: 200 }, () => {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      socket.write(
        "POST /v1/admit HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n{",
      );
    });
    return socket.on("error", () => {});
  });
}

function garbage(port: number): readonly Socket[] {
  return Array.from({ length: 100 }, (_none, at) => {
    const bytes = Buffer.alloc(2000, at);
    const socket = connectTcp(port, "127.0.0.1", () => socket.write(bytes));
    return socket.on("error", () => {});
  });
}

function reviewWith(object: object): string {
  const { apiVersion = "v1", kind = "" } = object as { readonly apiVersion?: string; readonly kind?: string };
  const [version = "", group = ""] = apiVersion.split("/").toReversed();
  const request = {
    uid: "hostile",
    kind: { group, version, kind },
    resource: { group, version, resource: "things" },
    namespace: "medstack",
    operation: "CREATE",
    userInfo: { username: "somebody" },
    object,
  };
  return JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request });
}

/** As text, which is deeper than what can be written from a tree. */
function nested(depth: number): string {
  const spec = `${'{"a":'.repeat(depth)}{}${"}".repeat(depth)}`;
  return reviewWith({ apiVersion: "v1", kind: "Pod", metadata: { name: "deep" }, spec: null }).replace(
    '"spec":null',
    `"spec":${spec}`,
  );
}

async function settled(answer: Promise<string>): Promise<string> {
  return answer.catch((error: unknown) => String(error));
}
