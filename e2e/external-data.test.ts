// External data on a real kube-apiserver: the example's provider decides which images are signed and what their tags mean;
// when it hangs or is gone, requests end in time and others go on.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { lookForBinaries } from "./binaries.ts";
import { freePort, stopProcess, waitFor } from "./control-plane.ts";
import { type Product, type Replica, repository, startProduct, startReplica } from "./product.ts";

const { binaries, missing } = lookForBinaries();

const example = join(repository, "examples/external-data");

suite("external data", { skip: missing }, () => {
  test("a provider decides, hangs, goes", { timeout: 300_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const product = await startProduct(binaries);
    let replica: Replica | null = null;
    let provider: ChildProcess | null = null;
    context.after(async () => {
      provider?.kill("SIGKILL");
      if (replica !== null) await stopProcess(replica.child);
      await product.stop();
    });
    const file = join(product.folder, "provider.yaml");
    provider = spawn(process.execPath, [join(example, "provider.ts"), file, String(await freePort())]);
    await waitFor("the provider", 30, async () => existsSync(file));
    product.cli("install", "--no-wait", "-f", join(example, "policies"), "-f", file);
    replica = await startReplica(product, { name: "replica-1", registers: true });
    await waitFor("the constraint", 60, async () =>
      create(product, "stranger:latest", "--dry-run=server").includes("not signed"),
    );

    await context.test("what is signed is taken, by its digest; what is not is refused", () => {
      assert.equal(create(product, "web:1.0"), "pod/web created");
      const { spec } = product.get("pod", "web") as {
        readonly spec: { readonly containers: { readonly image: string }[] };
      };
      assert.equal(spec.containers[0]?.image, `registry.example.com/web@sha256:${"a".repeat(64)}`);
      assert.match(
        create(product, "stranger:latest"),
        /signed-images\] image registry.example.com\/stranger:latest: not signed/,
      );
    });
    await context.test("the Provider says that it is used", async () => {
      const active = (): boolean => JSON.stringify(product.get("provider", "signatures")).includes('"active":true');
      await waitFor("its status", 30, async () => active());
    });
    await context.test("while it hangs, requests that ask it end in time, and others do not wait", () => {
      provider.kill("SIGSTOP");
      const startMs = Date.now();
      assert.match(create(product, "db:2.1"), /signatures cannot be looked up: .*context deadline exceeded/);
      assert.ok(Date.now() - startMs < 15_000, `${Date.now() - startMs} ms`);
      assert.equal(product.kubectl("create", "configmap", "meanwhile"), "configmap/meanwhile created");
      provider.kill("SIGCONT");
    });
    await context.test("when it is back it is asked again; when it is gone, that is the answer", async () => {
      await waitFor("the provider", 30, async () => create(product, "db:2.1", "--dry-run=server").includes("created"));
      await stopProcess(provider);
      const gone = create(product, "other:1.0");
      assert.match(gone, /signatures cannot be looked up: .*(?:connection refused|EOF)/);
    });
  });
});

/** kubectl's words for a Pod with this image. */
function create(product: Product, image: string, ...flags: readonly string[]): string {
  const [name = ""] = image.split(":");
  return product.kubectl("run", name, `--image=registry.example.com/${image}`, ...flags);
}
