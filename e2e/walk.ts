// What somebody has who goes through a walkthrough: a cluster that two replicas of `portcullis run` guard from behind a balancer, and a
// shell whose kubectl knows it, in the folder of the examples.

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { startBalancer } from "./balancer.ts";
import type { ProgramName } from "./binaries.ts";
import { stopProcess, waitFor } from "./control-plane.ts";
import { type Product, type Replica, repository, startProduct, startReplica } from "./product.ts";

export const examples = join(repository, "examples");

export interface Walk extends Product {
  /** What a line prints; both outputs, standard output first. */
  readonly shell: (line: string) => string;
  readonly replicas: readonly Replica[];
}

export async function startWalk(
  programs: Readonly<Record<ProgramName, string>>,
  flags: readonly string[],
): Promise<Walk> {
  const product = await startProduct(programs, { privileged: true });
  const replicas: Replica[] = [];
  const balancer = await startBalancer();
  const stop = async (): Promise<void> => {
    await Promise.all(replicas.map(({ child }) => stopProcess(child)));
    await balancer.close();
    await product.stop();
  };
  const registers = `https://127.0.0.1:${balancer.port}`;
  try {
    for (const name of ["replica-1", "replica-2"]) {
      // oxlint-disable-next-line no-await-in-loop -- two at once would make each other late
      replicas.push(await startReplica(product, { name, registers, flags }));
      balancer.use(replicas.map(({ port }) => port));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const path = `${dirname(programs.kubectl)}:${process.env["PATH"] ?? ""}`;
  const env = { ...process.env, KUBECONFIG: product.kubeconfig, PATH: path };
  const shell = (line: string): string => {
    const { stdout, stderr } = spawnSync("sh", ["-c", line], { encoding: "utf8", cwd: examples, env });
    return `${stdout}${stderr}`.trim();
  };
  return { ...product, shell, replicas, stop };
}

/** Until it is so several times in turn: replicas take turns behind the balancer, and each learns of a change by itself. */
export async function steadily(what: string, isSo: () => boolean): Promise<void> {
  let times = 0;
  await waitFor(what, 60, async () => {
    times = isSo() ? times + 1 : 0;
    return times >= 4;
  });
}
