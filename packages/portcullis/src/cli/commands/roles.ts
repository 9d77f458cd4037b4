// `portcullis render roles`: the ClusterRole that lets the product look at what policies on custom resources are about. It is made of the
// policies alone, not of what may be read already, so that it is the same in a repository each time.

import { accountOf } from "../../app/account.ts";
import { assembleEngine } from "../../app/assemble.ts";
import { neededResources } from "../../controllers/install/missing.ts";
import { lookedAt } from "../../controllers/install/named.ts";
import { policyRole } from "../../controllers/install/rights.ts";
import { type ClusterFlags, onCluster } from "../cluster.ts";
import { writeGoYaml } from "../output/goyaml-writer.ts";
import { sourcesOf } from "./audit.ts";

export interface RenderRolesFlags extends ClusterFlags {
  readonly filename: readonly string[];
}

/** The cluster says which resources serve which kinds, and gives its policies where no files are named. */
export function renderRoles(flags: RenderRolesFlags, version: string): Promise<number> {
  return onCluster(flags, `portcullis/${version}`, async (client) => {
    const { engine, frontends } = assembleEngine("cluster");
    const sources = await sourcesOf(flags.filename, client, (kind) =>
      frontends.some((frontend) => frontend.owns(kind)),
    );
    const { resources } = await client.discover();
    const objects = sources.map(({ object }) => object);
    const looked = lookedAt(accountOf(engine.policySet(sources), new Set()), objects, resources);
    const role = policyRole(neededResources(looked, resources));
    if (role === null) process.stderr.write("the policies look at nothing that portcullis may not list anyway\n");
    else process.stdout.write(writeGoYaml(role, "go"));
    return 0;
  });
}
