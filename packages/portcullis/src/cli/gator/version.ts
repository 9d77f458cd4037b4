// `portcullis gator version`: this product's version in gator's forms.
// sigs.k8s.io/release-utils: version/version.go.

import manifest from "portcullis/package.json" with { type: "json" };
import { structJson } from "../output/gojson.ts";

/** The release whose answers are given. */
const gatekeeperVersion = "v3.23.1";

export function gatorVersion({ json }: { readonly json: boolean }): number {
  const about = {
    gitVersion: gatekeeperVersion,
    gitCommit: "unknown",
    gitTreeState: "unknown",
    buildDate: "unknown",
    goVersion: `portcullis ${manifest.version}, node ${process.version}`,
    compiler: "portcullis",
    platform: `${platforms[process.platform] ?? process.platform}/${architectures[process.arch] ?? process.arch}`,
  };
  if (json) {
    process.stdout.write(`${structJson(about, 0, "  ")}\n`);
    return 0;
  }
  const rows = Object.entries(about).map(
    ([name, value]) => `${`${name.charAt(0).toUpperCase()}${name.slice(1)}:`.padEnd(15)}${value}\n`,
  );
  process.stdout.write(`gator: gator is a suite of authorship tools for Gatekeeper\n\n${rows.join("")}\n`);
  return 0;
}

/** Go's names. */
const platforms: Readonly<Record<string, string>> = { win32: "windows" };
const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
