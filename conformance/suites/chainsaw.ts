// Kyverno's end-to-end tests on a real API server: `portcullis run` guards it, and each test does what it does to Kyverno.
// One test after the other, because policies of the cluster are everybody's. $CHAINSAW_FOLDERS names other folders, with
// commas between them.

import { join } from "node:path";
import { findBinaries } from "../../e2e/binaries.ts";
import { type TestCluster, startTestCluster } from "../chainsaw/cluster.ts";
import { runTest } from "../chainsaw/run.ts";
import { readTest } from "../chainsaw/test.ts";
import { filesBelow } from "../files.ts";
import type { ConformanceSuite } from "../suite.ts";

const folders = [
  "validate",
  "policy-validation",
  "filter",
  "background-only",
  "events",
  "reports",
  "autogen",
  "exceptions",
];
const root = "kyverno/test/conformance/chainsaw";

let cluster: Promise<TestCluster> | null = null;

export const chainsaw: ConformanceSuite = {
  name: "chainsaw",
  needs: root,
  onlyByName: true,
  secondTry: true,
  unavailable: () => {
    const found = findBinaries();
    return typeof found === "string" ? found : null;
  },
  load: (dataDir) =>
    (process.env["CHAINSAW_FOLDERS"]?.split(",") ?? folders).flatMap((folder) =>
      filesBelow(join(dataDir, root, folder), "chainsaw-test.yaml").map((file) => ({
        id: `${folder}/${file.replace(/\/?chainsaw-test\.yaml$/, "")}`,
        run: async () => {
          const test = readTest(join(dataDir, root, folder, file));
          cluster ??= startTestCluster(binaries());
          await runTest(test, await cluster);
        },
      })),
    ),
  close: async () => {
    if (cluster !== null) await (await cluster).stop();
    cluster = null;
  },
};

function binaries(): Parameters<typeof startTestCluster>[0] {
  const found = findBinaries();
  if (typeof found === "string") throw new Error(found);
  return found;
}
