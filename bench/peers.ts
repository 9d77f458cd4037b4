// Where the peers' programs are: $PEERS_DIR. A bench without its peer measures ours alone and says so.

import { existsSync } from "node:fs";
import { join } from "node:path";

export type PeerName = "opa" | "gator" | "gatekeeper" | "kyverno" | "kyverno-admission" | "kube-apiserver" | "etcd";

export function peer(name: PeerName): string | null {
  const folder = process.env["PEERS_DIR"];
  const path = folder === undefined ? null : join(folder, name);
  return path !== null && existsSync(path) ? path : null;
}
