// Certificates: what our own authority issues, pairs from files, and clients that must show one.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createAuthority, isDueForRenewal } from "../../src/server/certificates/authority.ts";
import { givenAuthority } from "../../src/server/certificates/given.ts";
import { filePair } from "../../src/server/certificates/reload.ts";
import { startHttps } from "../../src/server/https.ts";
import { defaultLimits } from "../../src/server/limits.ts";

const dayMs = 86_400_000;

test("a leaf names the server, is signed by the authority, and is renewed 90 days before its end", async () => {
  const authority = await createAuthority();
  const { cert, key } = await authority.issue(["webhook.portcullis.svc", "10.0.0.1"]);
  const leaf = new X509Certificate(cert);
  const ca = new X509Certificate(authority.ca);
  assert.ok(leaf.verify(ca.publicKey) && leaf.checkIssued(ca));
  assert.ok(ca.ca && !leaf.ca);
  assert.equal(leaf.subject, "CN=webhook.portcullis.svc");
  assert.equal(leaf.checkHost("webhook.portcullis.svc"), "webhook.portcullis.svc");
  assert.equal(leaf.checkIP("10.0.0.1"), "10.0.0.1");
  assert.match(key, /^-----BEGIN PRIVATE KEY-----\n/);
  const now = Date.now();
  assert.equal(isDueForRenewal(cert, now), false);
  assert.equal(isDueForRenewal(cert, now + 274 * dayMs), false);
  assert.equal(isDueForRenewal(cert, now + 276 * dayMs), true);
});

test("a pair from files that does not fit is refused by name, and never quoted", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-test-"));
  t.after(() => rm(folder, { recursive: true }));
  const authority = await createAuthority();
  const [one, two] = await Promise.all([authority.issue(["a"]), authority.issue(["b"])]);
  const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  await writeFile(files.cert, one.cert);
  await writeFile(files.key, two.key);
  await assert.rejects(filePair(files), {
    message: `${files.key}: this key does not belong to the certificate in ${files.cert}`,
  });
  await writeFile(files.key, "secret");
  await assert.rejects(filePair(files), { message: `${files.key}: expected a private key in PEM` });
  await writeFile(files.cert, "nothing");
  await assert.rejects(filePair(files), { message: `${files.cert}: expected a certificate in PEM` });
});

test("where clients must show a certificate, only the one with the right name of the right authority is served", async () => {
  const servers = await createAuthority("servers");
  const clients = await createAuthority("clients");
  const server = await startHttps({
    host: "127.0.0.1",
    port: 0,
    pair: await servers.issue(["127.0.0.1"]),
    minVersion: "TLSv1.3",
    clients: { ca: clients.ca, commonName: "kube-apiserver" },
    limits: defaultLimits,
    handle: (_incoming, outgoing) => outgoing.end("served"),
  });
  const get = (pair: { readonly cert: string; readonly key: string } | null) =>
    new Promise<string>((resolve, reject) => {
      const options = { ca: servers.ca, agent: false, ...pair };
      request(`https://127.0.0.1:${server.port}/`, options, (incoming) => {
        incoming.on("data", (data: Buffer) => resolve(`${incoming.statusCode ?? 0} ${data.toString()}`));
      })
        .on("error", reject)
        .end();
    });
  assert.equal(await get(await clients.issue(["kube-apiserver"])), "200 served");
  assert.equal(
    await get(await clients.issue(["somebody"])),
    "403 the client's certificate is not that of kube-apiserver\n",
  );
  await assert.rejects(get(await servers.issue(["kube-apiserver"])));
  await assert.rejects(get(null));
  await server.close(100);
});

test("the authority of given files is that beside them, or the last of the chain, also after it has changed", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-given-"));
  t.after(() => rm(folder, { recursive: true }));
  const [first, second] = [await createAuthority(), await createAuthority()];
  const { cert } = await first.issue(["localhost"]);
  const file = join(folder, "tls.crt");
  await writeFile(file, `${cert}${first.ca}`);
  const chained = await givenAuthority(file);
  assert.equal(chained.bundle().trim(), first.ca.trim());
  await writeFile(file, cert);
  await writeFile(join(folder, "ca.crt"), first.ca);
  const given = await givenAuthority(file);
  assert.equal(given.bundle().trim(), first.ca.trim());
  const told = Promise.withResolvers<string>();
  const following = given.follow(told.resolve, told.reject);
  await writeFile(join(folder, "ca.crt"), second.ca);
  const bundle = await told.promise;
  following.close();
  assert.equal(bundle.replaceAll(/\s/g, ""), `${second.ca}${first.ca}`.replaceAll(/\s/g, ""), "both are trusted");
  assert.equal(given.bundle(), bundle);
});
