// In the shadow of a neighbour, on a real kube-apiserver: our policies decide beside a webhook that stands for a living Gatekeeper, nothing of
// what they say holds a request up, and where the two differ is known afterwards.

import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Server, createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { suite, test } from "node:test";
import { text } from "node:stream/consumers";
import { selfSigned } from "../packages/portcullis/src/server/certificates/reload.ts";
import { lookForBinaries } from "./binaries.ts";
import { stopProcess, waitFor } from "./control-plane.ts";
import { type Product, type Ran, startProduct, startReplica } from "./product.ts";

const { binaries, missing } = lookForBinaries();

suite("in shadow of a neighbour", { skip: missing }, () => {
  test("our decisions are compared with what became of the requests", { timeout: 200_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const product = await startProduct(binaries);
    const neighbour = await startNeighbour();
    const closing: (() => Promise<void> | void)[] = [() => product.stop(), () => void neighbour.server.close()];
    context.after(async () => {
      // oxlint-disable-next-line no-await-in-loop -- what was started last is stopped first
      for (const close of closing.toReversed()) await close();
    });
    product.cli("install", "--no-wait", "-f", "examples/repos/policies");
    product.kubectl("apply", "-f", "examples/repos/namespaces.yaml");
    product.apply(neighbour.configuration);
    const flags = ["--neighbours", "shadow"];
    const replica = await startReplica(product, { name: "replica-1", registers: true, flags });
    closing.push(() => stopProcess(replica.child));
    await waitFor("the shadow webhook", 60, async () =>
      webhookNames(product).includes("shadow.validation.gatekeeper.sh"),
    );
    await requests(product);
    const said = await compared(product);
    assert.match(
      said,
      /^shadow of gatekeeper: \d+ alike, 1 let in that we would refuse, 1 refused that we would let in$/m,
    );
    assert.match(
      said,
      /^ {2}Pod +medstack\/only-ours-refuses +deny +yes +\[enforce-image-repository\] container <web>/m,
    );
    assert.match(said, /^ {2}Pod +medstack\/only-theirs-refuse +allow +no/m);
    assert.match(said, /neighbour: a live gatekeeper/);
    assert.match(replica.log(), /in shadow: we would have refused what was let in/);
    assert.match(replica.log(), /in shadow: we would have let in what was refused/);
    const metrics = await scraped(replica.port);
    assert.match(metrics, /portcullis_shadow_comparisons_total\{dialect="gatekeeper",ours="deny",stored="true"\} 1$/m);
    assert.match(
      metrics,
      /portcullis_shadow_comparisons_total\{dialect="gatekeeper",ours="allow",stored="false"\} 1$/m,
    );
    assert.match(
      metrics,
      /portcullis_shadow_comparisons_total\{dialect="gatekeeper",ours="deny",stored="false"\} \d+$/m,
    );
    assert.match(said, /^unchecked: nothing$/m, "who enforces nothing misses nothing");
  });
});

function webhookNames(product: Product): readonly string[] {
  const found = product.get("validatingwebhookconfiguration", "portcullis");
  return ((found?.["webhooks"] ?? []) as readonly { readonly name: string }[]).map(({ name }) => name);
}

/** Pods that both let in, that one of both refuses, and that both refuse; sent so that the neighbour can answer meanwhile. */
async function requests(product: Product): Promise<void> {
  const create = async (name: string, image: string, labels: Readonly<Record<string, string>>): Promise<number> => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels },
      spec: { containers: [{ name: "web", image }] },
    };
    return (await product.call("POST", "/api/v1/namespaces/medstack/pods", pod)).status;
  };
  const good = "docker.io/bitnami/nginx:1.27";
  const refused = { refuse: "me" };
  // An API server hears of webhooks a moment after they are written; the neighbour's is the last to have come.
  await waitFor("the neighbour to refuse", 20, async () => (await create("probe", "munta/nginx", refused)) === 403);
  await waitFor("our shadow", 20, async () => {
    await create("probe", "munta/nginx", refused);
    return product.cli("status").text.includes("shadow of gatekeeper");
  });
  assert.equal(await create("both-let-in", good, {}), 201);
  assert.equal(await create("only-ours-refuses", "munta/nginx", {}), 201);
  assert.equal(await create("only-theirs-refuse", good, refused), 403);
  assert.equal(await create("both-refuse", "munta/nginx", refused), 403);
}

async function compared(product: Product): Promise<string> {
  let said: Ran = product.cli("status");
  await waitFor("the comparison", 60, async () => {
    said = product.cli("status");
    return /only-ours-refuses/.test(said.text) && /only-theirs-refuse/.test(said.text);
  });
  return said.text;
}

async function scraped(port: number): Promise<string> {
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  try {
    return await (await fetch(`https://127.0.0.1:${port}/metrics`)).text();
  } finally {
    delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  }
}

interface StandIn {
  readonly server: Server;
  readonly configuration: unknown;
}

/** A webhook under Gatekeeper's name that refuses Pods with a label. */
async function startNeighbour(): Promise<StandIn> {
  const { pair, ca } = await selfSigned(["127.0.0.1"]);
  const server = createServer({ key: pair.key, cert: pair.cert }, (incoming, outgoing) => {
    void answer(incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const caBundle = Buffer.from(ca ?? "").toString("base64");
  return { server, configuration: configurationOf(`https://127.0.0.1:${port}/v1/admit`, caBundle) };
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { request } = JSON.parse(await text(incoming)) as {
    readonly request: { readonly uid: string; readonly object: { readonly metadata: { readonly labels?: object } } };
  };
  const allowed = !("refuse" in (request.object.metadata.labels ?? {}));
  const response = { uid: request.uid, allowed, ...(!allowed && { status: { code: 403, message: "they refuse" } }) };
  outgoing.end(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response }));
}

function configurationOf(url: string, caBundle: string): unknown {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "gatekeeper-validating-webhook-configuration" },
    webhooks: [
      {
        name: "validation.gatekeeper.sh",
        clientConfig: { url, caBundle },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
        failurePolicy: "Ignore",
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
      },
    ],
  };
}
