// `npm start`: the webhook on the policies of three walkthroughs, asked about their objects over HTTPS, with the answers as
// kubectl would print them. The policies are copied to a folder of their own that may be edited while it runs: the second
// walkthrough does just that, from dryrun over warn to deny, and the third adds policies of the other dialect.

import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseYaml } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import type { Catalog } from "@portcullis/policy";
import { askWebhook, kubectlText, reviewOf } from "./ask.ts";
import type { ServeOptions } from "./config.ts";
import { createLogger } from "./log.ts";
import { type Serving, serve } from "./serve.ts";

export interface DemoOptions extends Pick<ServeOptions, "port" | "workers" | "progress"> {
  readonly catalog: Catalog;
  readonly print: (line: string) => void;
}

export interface Demo {
  readonly serving: Serving;
  /** The folder whose policies are served. */
  readonly folder: string;
  close(): Promise<void>;
}

/** Beside the published program, or at the root of the repository. */
const examples = ["./examples/", "../../../../examples/"]
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path)) as string;

/** Resolves once everything has been asked and the webhook stays up. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-"));
  for (const name of ["repos", "registries"]) {
    // oxlint-disable-next-line no-await-in-loop -- two folders
    await cp(join(examples, name), join(folder, name), {
      recursive: true,
      filter: (path) => !path.includes("objects"),
    });
  }
  const caFile = join(folder, "ca.crt");
  const serving = await serveSomewhere(options, { policies: [folder], caFile, logger: createLogger("nowhere") });
  const demo = { serving, folder, caFile, ...options };
  const agent = new Agent({ keepAlive: true });
  try {
    await showRepositories(demo, agent);
    await showRegistries(demo, agent);
    await showContainers(demo, agent);
  } finally {
    agent.destroy();
  }
  showWhatNext(demo);
  return {
    serving,
    folder,
    close: async () => {
      await serving.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** On the port that was asked for, or on any when that one is taken: a demo should start. */
async function serveSomewhere(options: DemoOptions, served: ServeOptions): Promise<Serving> {
  const port = options.port ?? 8443;
  try {
    return await serve({ ...options, ...served, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    options.print(`# Port ${port} is taken; another one serves`);
    return serve({ ...options, ...served, port: 0 });
  }
}

interface Running extends DemoOptions {
  readonly serving: Serving;
  readonly folder: string;
  readonly caFile: string;
}

async function showRepositories(demo: Running, agent: Agent): Promise<void> {
  const { print } = demo;
  print("# Trusted repositories: Pods and Deployments in medstack and mcs may only use images of two repositories");
  await showObjects(demo, agent, "repos");
}

async function showRegistries(demo: Running, agent: Agent): Promise<void> {
  const { print, folder, serving } = demo;
  const file = join(folder, "registries", "policies", "constraint.yaml");
  const text = await readFile(file, "utf8");
  const stages = [
    ["dryrun", "violations are recorded, nothing is refused"],
    ["warn", "the client is warned"],
    ["deny", "the object is refused"],
  ] as const;
  for (const [action, meaning] of stages) {
    print("");
    print(`# Trusted registries, enforcementAction: ${action} (${meaning})`);
    // oxlint-disable-next-line no-await-in-loop -- one stage after the other
    await writeFile(file, text.replace(/enforcementAction: \w+/, `enforcementAction: ${action}`));
    // oxlint-disable-next-line no-await-in-loop -- the answers below are those of this stage
    await serving.reload();
    // oxlint-disable-next-line no-await-in-loop -- in the order of the walkthrough
    await showObjects(demo, agent, "registries");
  }
}

/** Kyverno's policies come last: they are about every Pod, those of the other walkthroughs too. */
async function showContainers(demo: Running, agent: Agent): Promise<void> {
  const { print, folder, serving } = demo;
  print("");
  print(
    "# No root containers, in Kyverno's dialect, added while the webhook answers and asked for with ?dialect=kyverno",
  );
  await cp(join(examples, "kyverno", "policies"), join(folder, "kyverno"), { recursive: true });
  await serving.reload();
  await showObjects(demo, agent, "kyverno", { dialect: "kyverno" });
}

async function showObjects(
  { serving, catalog, print }: Running,
  agent: Agent,
  name: string,
  how: { readonly dialect?: "kyverno" } = {},
): Promise<void> {
  const file = join(examples, name, "objects", "objects.yaml");
  print(`$ kubectl apply -f examples/${name}/objects`);
  const { value } = parseYaml(new Source(file, await readFile(file, "utf8")), { dialect: "go" });
  for (const { value: object } of value) {
    // oxlint-disable-next-line no-await-in-loop -- kubectl sends them one after the other
    const answer = await askWebhook(serving.url, reviewOf(object, catalog), { ca: serving.ca, agent, ...how });
    print(kubectlText(object, answer));
  }
}

function showWhatNext({ print, serving, folder, caFile }: Running): void {
  const curl = `curl -s --cacert ${caFile} -H 'content-type: application/json' --data-binary @- '${serving.url}/v1/admit?timeout=10s'`;
  print("");
  print(`# The webhook stays up on ${serving.url} until Ctrl-C. Ask it about a file of your own:`);
  print(`npx portcullis review FILE.yaml | ${curl}`);
  print(`# Its policies are in ${folder}; edit or add some, and it serves them at once. Also:`);
  print(`curl -s --cacert ${caFile} '${serving.url}/readyz?verbose'`);
  print(`curl -s --cacert ${caFile} ${serving.url}/metrics | grep -E 'gatekeeper|kyverno|portcullis'`);
}
