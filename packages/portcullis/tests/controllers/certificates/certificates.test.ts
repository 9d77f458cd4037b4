import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type CertificateOptions,
  type SharedCertificateSource,
  sharedCertificates,
} from "../../../src/controllers/certificates/certificates.ts";
import { type SharedCertificates, planned, usualLifetimes } from "../../../src/controllers/certificates/plan.ts";
import { secrets } from "../../../src/controllers/certificates/secret.ts";
import { createFakeCluster } from "../../cluster/fake.ts";

const secret = { namespace: "portcullis", name: "portcullis-certificates" };
const names = ["webhook.portcullis.svc"];
const dayMs = 86_400_000;

function isTrusted(leaf: string, authorities: readonly string[]): boolean {
  return authorities.some((ca) => new X509Certificate(leaf).verify(new X509Certificate(ca).publicKey));
}

async function make(planning: Partial<Parameters<typeof planned>[0]> = {}): Promise<SharedCertificates | null> {
  return planned({ now: null, names, lifetimes: usualLifetimes, nowMs: Date.now(), isTrusted: false, ...planning });
}

async function fresh(): Promise<SharedCertificates> {
  const made = await make();
  assert.ok(made !== null);
  return made;
}

test("what is fresh stays; a leaf is renewed 90 days before its end, under the same authority", async () => {
  const first = await fresh();
  assert.equal(await make({ now: first }), null);
  assert.equal(await make({ now: first, nowMs: Date.now() + 200 * dayMs }), null);
  const next = await make({ now: first, nowMs: Date.now() + 280 * dayMs });
  assert.ok(next !== null);
  assert.deepEqual(next.authorities, first.authorities);
  assert.notEqual(next.cert, first.cert);
  assert.ok(isTrusted(next.cert, first.authorities));
});

test("an authority is exchanged in steps: at each, the bundle before and after trusts the leaf", async () => {
  const first = await fresh();
  const nowMs = Date.now() + 3600 * dayMs;
  const leaf = await make({ now: first, nowMs: Date.now() + 300 * dayMs });
  const old = { ...first, ...leaf };
  const joined = await make({ now: old, nowMs });
  assert.ok(joined !== null);
  assert.equal(joined.authorities.length, 2);
  assert.equal(joined.cert, old.cert);
  assert.ok(isTrusted(joined.cert, joined.authorities));
  const waiting = await make({ now: joined, nowMs: Date.now() + 300 * dayMs, isTrusted: false });
  assert.equal(waiting, null, "without trust the old leaf stays");
  const switched = await make({ now: joined, nowMs: Date.now() + 300 * dayMs, isTrusted: true });
  assert.ok(switched !== null);
  assert.ok(isTrusted(switched.cert, [joined.authorities[0] ?? ""]));
  assert.deepEqual(switched.authorities, joined.authorities, "the old one is still trusted");
});

test("a name that is missing gives a new leaf; what is broken is made again", async () => {
  const first = await fresh();
  const named = await make({ now: first, names: [...names, "other.svc"] });
  assert.match(new X509Certificate(named?.cert ?? "").subjectAltName ?? "", /other\.svc/);
  const broken = await make({ now: { ...first, authorityKey: "no key" } });
  assert.ok(broken !== null);
  assert.notDeepEqual(broken.authorities, first.authorities);
});

function replica(cluster: ReturnType<typeof createFakeCluster>, more: Partial<CertificateOptions> = {}) {
  return sharedCertificates({
    client: cluster.client,
    informers: cluster.informers,
    secret,
    names,
    onError: (error) => assert.fail(error),
    ...more,
  });
}

test("replicas with different names settle on one leaf for all", async (context) => {
  const cluster = createFakeCluster();
  const replicas = [
    await replica(cluster, { names: ["a.svc", "::1", "127.0.0.1"] }),
    await replica(cluster, { names: ["b.svc", "::1"] }),
  ];
  context.after(() => Promise.all(replicas.map((one) => one.close())));
  for (const one of replicas) one.check();
  await sleep(50);
  assert.equal(cluster.client.calls.count({ writes: true }), 2);
  const { "tls.crt": cert = "" } = (await cluster.client.get(secrets, secret))["data"] as Record<string, string>;
  const covered = new X509Certificate(Buffer.from(cert, "base64")).subjectAltName;
  assert.equal(covered, "DNS:b.svc, IP Address:0:0:0:0:0:0:0:1, DNS:a.svc, IP Address:127.0.0.1");
});

test("replicas that start at once serve the same certificate", async (context) => {
  const cluster = createFakeCluster();
  const replicas = await Promise.all([replica(cluster), replica(cluster), replica(cluster)]);
  context.after(() => Promise.all(replicas.map((one) => one.close())));
  assert.equal(new Set(replicas.map(({ pair }) => pair.cert)).size, 1);
  assert.equal(new Set(replicas.map((one) => one.bundle())).size, 1);
});

test("what another replica writes is served; an authority near its end is exchanged once it is trusted", async (context) => {
  const cluster = createFakeCluster();
  // Short lives: both are due at once, again and again, until the last write gives them a long one.
  const lifetimes = { authorityDays: 2 / 86_400, leafDays: 1, renewBeforeDays: 1 };
  const first = await replica(cluster, { lifetimes });
  await first.close();
  let trusted = "";
  const served: string[] = [];
  const options = { checkMs: 50, trustMs: 50, isTrusted: (bundle: string) => bundle === trusted };
  const both: SharedCertificateSource[] = await Promise.all([replica(cluster, options), replica(cluster, options)]);
  context.after(() => Promise.all(both.map((one) => one.close())));
  const [one, other] = both;
  assert.ok(one !== undefined && other !== undefined);
  other.follow(
    ({ cert }) => served.push(cert),
    (error) => assert.fail(error),
  );
  await until(() => one.bundle() !== first.ca && other.bundle() === one.bundle());
  assert.equal(served.length, 0, "nobody trusts the new authority yet");
  trusted = one.bundle();
  await until(() => served.length === 1);
  assert.ok(isTrusted(served[0] ?? "", [trusted.slice(0, trusted.indexOf("-----END") + 26)]));
  const object = await cluster.client.get(secrets, secret);
  assert.equal(object["type"], "Opaque");
});

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !holds(); turn++) {
    // oxlint-disable-next-line no-await-in-loop -- polling is the point
    await sleep(10);
  }
  assert.ok(holds());
}
