// Images from a registry on loopback and from layouts on disk: what they hold, who may read them, and what a bad one is
// answered. Where gator is in $PEERS_DIR it pulls the same images.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { peer } from "../../../../bench/peers.ts";
import { pullImage } from "../../src/registry/pull.ts";
import { parseReference } from "../../src/registry/reference.ts";
import { readTar } from "../../src/registry/tar.ts";
import { type Layer, type RegistryOptions, digestOf, manifestOf, startRegistry, tar, tarGz } from "./server.ts";

const nobody = { environment: { DOCKER_CONFIG: "/nowhere" } };
const policies = readFileSync(join(import.meta.dirname, "../cli/gator/files/policies.yaml"));
const objects = readFileSync(join(import.meta.dirname, "../cli/gator/files/objects.yaml"));

async function withRegistry(
  options: RegistryOptions,
  use: (registry: Awaited<ReturnType<typeof startRegistry>>) => Promise<void>,
): Promise<void> {
  const registry = await startRegistry(options);
  try {
    await use(registry);
  } finally {
    await registry.close();
  }
}

async function withFolder(use: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-registry-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Names and texts, or the error. */
async function pulled(image: string, options: Parameters<typeof pullImage>[1] = nobody): Promise<unknown> {
  const result = await pullImage(image, options);
  if ("error" in result) return result.error.replaceAll(/127\.0\.0\.1:\d+/g, "HOST");
  return Object.fromEntries(result.files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]));
}

const plain: readonly Layer[] = [
  { title: "b.yaml", bytes: Buffer.from("b: 1") },
  { bytes: Buffer.from("no title, no file") },
  {
    title: "folder",
    unpack: true,
    bytes: tarGz([
      { name: "folder", type: "5" },
      { name: "folder/a.yaml", text: "a: 1" },
      { name: "folder/link.yaml", type: "2", link: "/etc/passwd" },
    ]),
  },
];
const plainFiles = { "b.yaml": "b: 1", "folder/a.yaml": "a: 1" };

test("registry: an image is pulled by tag and by digest, in the order of names", () =>
  withRegistry({}, async ({ host, put }) => {
    const digest = put("team/policies", "v1", plain);
    assert.deepEqual(await pulled(`${host}/team/policies:v1`), plainFiles);
    assert.deepEqual(await pulled(`${host}/team/policies@${digest}`), plainFiles);
    assert.deepEqual(await pulled(`${host}/team/policies:v1@${digest}`), plainFiles);
  }));

test("registry: what is not there is said", () =>
  withRegistry({}, async ({ host }) => {
    assert.equal(
      await pulled(`${host}/team/policies:v2`),
      'pulling artifact "HOST/team/policies:v2": failed to perform "FetchReference" on source: HOST/team/policies:v2: not found',
    );
  }));

test("registry: names are checked before anything is asked", async () => {
  assert.equal(
    await pulled("policies"),
    'parsing OCI reference "policies": invalid reference: missing registry or repository',
  );
  for (const bad of ["h/UPPER", "h/a/../b", "h/a:b:c", "h/a@sha256:1", "h h/a", "h/a b", "/a"]) {
    assert.throws(() => parseReference(bad), /invalid reference/, bad);
  }
  assert.deepEqual(parseReference("h:5000/a/b"), { registry: "h:5000", repository: "a/b", reference: "latest" });
});

for (const scheme of ["Bearer", "Basic"] as const) {
  test(`registry: ${scheme}: the credentials of docker login open it, and stay out of every message`, () =>
    withRegistry({ user: "ana:s3cret", scheme }, ({ host, put, asked }) =>
      withFolder(async (folder) => {
        put("team/policies", "v1", plain);
        const image = `${host}/team/policies:v1`;
        const refused = String(await pulled(image));
        assert.match(refused, scheme === "Bearer" ? /HOST: response status code 401/ : /credential not found/);
        const auth = Buffer.from("ana:s3cret").toString("base64");
        writeFileSync(join(folder, "config.json"), JSON.stringify({ auths: { [host]: { auth } } }));
        const ana = { environment: { DOCKER_CONFIG: folder } };
        assert.deepEqual(await pulled(image, ana), plainFiles);
        const tokens = asked.filter(({ path }) => path.startsWith("/token")).length;
        assert.equal(tokens, scheme === "Bearer" ? 2 : 0, "one token for all requests of a pull");
        writeFileSync(join(folder, "config.json"), `{"auths": {"${host}": {"auth": "${auth}"`);
        const broken = String(await pulled(image, ana));
        assert.ok(!broken.includes(auth) && !broken.includes("s3cret"), broken);
      }),
    ));
}

test("registry: credentials do not go along to the server that a blob is on", () =>
  withRegistry({}, (storage) =>
    withFolder(async (folder) => {
      storage.put("team/policies", "v1", plain);
      await withRegistry({ user: "ana:s3cret", blobsAt: storage.host }, async ({ host, put }) => {
        put("team/policies", "v1", plain);
        const auth = Buffer.from("ana:s3cret").toString("base64");
        writeFileSync(join(folder, "config.json"), JSON.stringify({ auths: { [host]: { auth } } }));
        const ana = { environment: { DOCKER_CONFIG: folder } };
        assert.deepEqual(await pulled(`${host}/team/policies:v1`, ana), plainFiles);
        assert.ok(storage.asked.length > 0);
        assert.ok(storage.asked.every(({ authorization }) => authorization === null));
      });
    }),
  ));

const bad: Readonly<Record<string, readonly [Layer, RegExp]>> = {
  "content that its digest does not name": [
    { title: "a.yaml", bytes: Buffer.from("a: 1"), served: Buffer.from("a: 2") },
    /mismatch digest/,
  ],
  "more content than was said": [
    { title: "a.yaml", bytes: Buffer.from("a: 1"), served: Buffer.from("a: 1\nb: 1") },
    /more than 4 bytes/,
  ],
  "less content than was said": [
    { title: "a.yaml", bytes: Buffer.from("a: 1"), served: Buffer.from("a:") },
    /expected 4 bytes, got 2/,
  ],
  "a layer that is too large": [
    { title: "a.yaml", bytes: Buffer.from("a: 1"), size: 1e12 },
    /are more than the \d+ allowed/,
  ],
  "a title that leaves the folder": [{ title: "../a.yaml", bytes: Buffer.from("a") }, /path traversal disallowed/],
  "a title at the root": [{ title: "/etc/a.yaml", bytes: Buffer.from("a") }, /path traversal disallowed/],
  "an archive that leaves the folder": [
    { title: "f", unpack: true, bytes: tarGz([{ name: "f/../../a.yaml", text: "a" }]) },
    /path traversal disallowed/,
  ],
  "an archive that is none": [{ title: "f", unpack: true, bytes: Buffer.from("no gzip") }, /f: no gzip archive/],
};

for (const [name, [layer, expected]] of Object.entries(bad)) {
  test(`registry: refused: ${name}`, () =>
    withRegistry({}, async ({ host, put }) => {
      put("p", "v1", [layer]);
      assert.match(String(await pulled(`${host}/p:v1`)), expected);
    }));
}

test("tar: archives are read within limits", () => {
  const archive = tar([{ name: "a.yaml", text: "a" }]);
  assert.throws(() => readTar(archive, { entriesMax: 0, bytesMax: 10 }), /more than 0 entries/);
  assert.throws(() => readTar(tar([{ name: "a", text: "0123456789" }]), { entriesMax: 9, bytesMax: 5 }), /10 bytes/);
  assert.throws(() => readTar(archive.subarray(0, 512), { entriesMax: 9, bytesMax: 9 }), /ends within a file/);
  assert.throws(() => readTar(Buffer.alloc(1024, "7"), { entriesMax: 9, bytesMax: 9 }), /no tar header/);
});

test("layout: an image in a folder, by tag, by digest, or alone", () =>
  withFolder(async (folder) => {
    const put = (bytes: Uint8Array): string => {
      const digest = digestOf(bytes);
      mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
      writeFileSync(join(folder, "blobs", ...digest.split(":")), bytes);
      return digest;
    };
    const manifest = Buffer.from(JSON.stringify(manifestOf(plain, put)));
    const descriptor = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: put(manifest),
      size: manifest.length,
      annotations: { "org.opencontainers.image.ref.name": "v1" },
    };
    writeFileSync(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }));
    for (const image of [`oci:${folder}`, `oci:${folder}:v1`, `oci:${folder}@${descriptor.digest}`]) {
      assert.deepEqual(await pulled(image), plainFiles, image);
    }
    assert.match(String(await pulled(`oci:${folder}:v2`)), /v2: not found/);
    assert.match(String(await pulled(`oci:${folder}/blobs`)), /is no OCI layout/);
    writeFileSync(join(folder, "blobs", ...descriptor.digest.split(":")), "{}");
    assert.match(String(await pulled(`oci:${folder}`)), /mismatch digest/);
  }));

const main = join(import.meta.dirname, "../../src/cli/main.ts");
const gator = peer("gator");
if (gator === null) process.stderr.write("NOT RUN: images through gator: gator is not in $PEERS_DIR\n");

test("gator test --image: the same answer as gator's about the same image", { skip: gator === null }, () =>
  withRegistry({}, async ({ host, put }) => {
    put("team/policies", "v1", [
      { title: "policies.yaml", bytes: policies },
      { title: "d", unpack: true, bytes: tarGz([{ name: "d/objects.yaml", text: objects.toString() }]) },
    ]);
    put("team/empty", "v1", []);
    for (const args of [
      ["test", "--image", `${host}/team/policies:v1`],
      ["test", "-i", `${host}/team/policies:v1`, "-o", "json"],
      ["test", "-i", `${host}/team/policies:nope`],
      ["test", "-i", `${host}/team/empty:v1`],
      ["expand", "-i", `${host}/team/policies:v1`],
      ["sync", "test", "-f", "-i", `${host}/team/policies:v1`],
    ]) {
      const [theirs, ours] = await Promise.all([
        run(gator ?? "", args),
        run(process.execPath, [main, "gator", ...args]),
      ]);
      assert.deepEqual(ours, theirs, args.join(" "));
    }
  }),
);

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(file: string, args: readonly string[]): Promise<Ran> {
  const child = promisify(execFile)(file, args, { encoding: "utf8" });
  child.child.stdin?.end();
  try {
    return { code: 0, ...(await child) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}
