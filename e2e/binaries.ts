// kube-apiserver, etcd and kubectl for the end-to-end tests: from $KUBEBUILDER_ASSETS or $PEERS_DIR, else built once from
// their Go modules into a cache in the user's home. kube-apiserver's module has `replace` lines that point into its own
// tree, which Go refuses for a dependency, so a module of our own repeats them with the published versions.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export const programs = ["kube-apiserver", "etcd", "kubectl"] as const;
export type ProgramName = (typeof programs)[number];

const kubernetesVersion = "1.36.3";
const etcdVersion = "3.6.5";

/** Paths of the programs, or why they are not there. */
export function findBinaries(): Readonly<Record<ProgramName, string>> | string {
  const cache = join(homedir(), ".cache", "portcullis", `kubernetes-${kubernetesVersion}`);
  const folders = [process.env["KUBEBUILDER_ASSETS"], process.env["PEERS_DIR"], cache].filter(
    (folder) => folder !== undefined,
  );
  const complete = folders.find((folder) => programs.every((name) => existsSync(join(folder, name))));
  if (complete !== undefined) return pathsIn(complete);
  if (!hasGo())
    return `no folder of ${folders.join(", ")} has ${programs.join(", ")}, and there is no Go to build them`;
  build(cache);
  return pathsIn(cache);
}

function pathsIn(folder: string): Readonly<Record<ProgramName, string>> {
  return {
    "kube-apiserver": join(folder, "kube-apiserver"),
    etcd: join(folder, "etcd"),
    kubectl: join(folder, "kubectl"),
  };
}

/** For tests that do not run without them: that is said loudly, and `missing` is why. */
export function lookForBinaries(): {
  readonly binaries: ReturnType<typeof findBinaries>;
  readonly missing: string | false;
} {
  const binaries = findBinaries();
  const missing = typeof binaries === "string" ? binaries : false;
  if (missing !== false) process.stderr.write(`NOT RUN: end-to-end tests: ${missing}\n`);
  return { binaries, missing };
}

function hasGo(): boolean {
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function build(cache: string): void {
  process.stderr.write(`building kube-apiserver, kubectl and etcd into ${cache}, once; this takes some minutes\n`);
  const kubernetes = join(cache, "src", "kubernetes");
  const etcd = join(cache, "src", "etcd");
  for (const folder of [kubernetes, etcd]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(kubernetes, "go.mod"), kubernetesModule(kubernetes));
  writeFileSync(
    join(kubernetes, "main.go"),
    'package main\n\nimport _ "k8s.io/kubernetes/cmd/kube-apiserver/app"\n\nfunc main() {}\n',
  );
  for (const name of ["kube-apiserver", "kubectl"])
    goBuild(kubernetes, join(cache, name), `k8s.io/kubernetes/cmd/${name}`);
  writeFileSync(
    join(etcd, "go.mod"),
    `module portcullis.invalid/etcd\n\ngo 1.25\n\nrequire go.etcd.io/etcd/server/v3 v${etcdVersion}\n`,
  );
  writeFileSync(
    join(etcd, "main.go"),
    'package main\n\nimport "os"\nimport "go.etcd.io/etcd/server/v3/etcdmain"\n\nfunc main() { etcdmain.Main(os.Args) }\n',
  );
  execFileSync("go", ["mod", "tidy"], { cwd: etcd, stdio: ["ignore", "ignore", "inherit"] });
  goBuild(etcd, join(cache, "etcd"), ".");
}

/** Builds beside the target and renames, so that an interrupted build leaves nothing that looks finished. */
function goBuild(folder: string, target: string, what: string): void {
  execFileSync("go", ["build", "-mod=mod", "-o", `${target}.part`, what], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  renameSync(`${target}.part`, target);
}

/** A go.mod that requires Kubernetes and repeats its replacements with published modules. */
function kubernetesModule(folder: string): string {
  const answer = execFileSync("go", ["mod", "download", "-json", `k8s.io/kubernetes@v${kubernetesVersion}`], {
    cwd: folder,
    encoding: "utf8",
  });
  const { GoMod: file } = JSON.parse(answer) as { readonly GoMod: string };
  const text = readFileSync(file, "utf8");
  const staged = [...text.matchAll(/^\t(k8s\.io\/\S+) => \.\/staging\//gm)].map((match) => match[1] ?? "");
  const staging = `v0.${kubernetesVersion.split(".").slice(1).join(".")}`;
  const requires = [...text.matchAll(/^require \([^)]*\)/gm)]
    .map((match) =>
      match[0].replaceAll(/^(\t(k8s\.io\/\S+)) v\S+/gm, (line, head: string, name: string) =>
        staged.includes(name) ? `${head} ${staging}` : line,
      ),
    )
    .join("\n\n");
  return [
    "module portcullis.invalid/kubernetes",
    /^go .*$/m.exec(text)?.[0] ?? "",
    /^godebug [^\n(]*(\([^)]*\))?/m.exec(text)?.[0] ?? "",
    requires,
    `require k8s.io/kubernetes v${kubernetesVersion}`,
    `replace (\n${staged.map((name) => `\t${name} => ${name} ${staging}`).join("\n")}\n)`,
    "",
  ].join("\n\n");
}
