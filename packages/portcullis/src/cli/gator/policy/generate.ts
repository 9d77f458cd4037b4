// A catalog of a checked-out policy library: every `template.yaml` below `library/` becomes a policy, its annotations say
// version, description and bundles, its samples give the constraint of each bundle: the one whose folder has the last word
// of the bundle's name in its own, else the first. gator takes any of several such folders; here the first by name counts.
// Gatekeeper: pkg/gator/policy/catalog/generator.go.

import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { isObject, stringAt, valueAt } from "@portcullis/kube";
import { goWriteError } from "../../load/goerrors.ts";
import { writeGoYaml } from "../../output/goyaml-writer.ts";
import { type Bundle, PolicyError, readBundles, readDocument } from "./catalog.ts";

export interface GenerateFlags {
  readonly libraryPath: string;
  readonly output: string;
  readonly name: string;
  readonly version: string;
  /** A file that lists bundles; "" takes the annotations of the templates. */
  readonly bundles: string;
  /** Put before paths; "" leaves them relative. */
  readonly baseUrl: string;
  readonly validate: boolean;
}

interface GeneratedPolicy {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly category: string;
  readonly templatePath: string;
  readonly bundleConstraints?: Readonly<Record<string, string>>;
  readonly documentationUrl?: string;
  readonly bundles?: readonly string[];
}

interface GeneratedBundle {
  readonly name: string;
  readonly description: string;
  readonly inherits?: string;
  readonly policies: readonly string[];
}

const repository = "https://github.com/open-policy-agent/gatekeeper-library";

const baseline = "https://kubernetes.io/docs/concepts/security/pod-security-standards/";

/** What gator says about the bundles of the Pod Security Standards. */
const bundleDescriptions: ReadonlyMap<string, string> = new Map([
  [
    "pod-security-baseline",
    `Enforces Pod Security Standards at Baseline level. Prevents known privilege escalations.\nSee ${baseline}`,
  ],
  [
    "pod-security-restricted",
    `Enforces Pod Security Standards at Restricted level. Includes all Baseline controls plus additional hardening.\nSee ${baseline}`,
  ],
]);

/** Writes the catalog and says what it found. Throws PolicyError. `at`: RFC 3339. */
export function generateCatalog(flags: GenerateFlags, at: string, say: (line: string) => void): void {
  const root = resolve(flags.libraryPath);
  if (!existsSync(root)) throw new PolicyError(`library path does not exist: ${root}`);
  say(`Scanning library at ${root}...`);
  const library = join(root, "library");
  if (!existsSync(library)) throw new PolicyError(`generating catalog: library directory not found at ${library}`);
  const found = templatesBelow(library)
    .flatMap((file) => policyOf(file, root) ?? [])
    .toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  const listed = flags.bundles === "" ? null : bundlesIn(flags.bundles);
  const bundles = listed ?? bundlesOf(found);
  const named = listed === null ? found : found.map((policy) => withBundles(policy, listed));
  const policies = flags.baseUrl === "" ? named : named.map((policy) => withUrls(policy, flags.baseUrl));
  say(`Found ${policies.length} policies${bundles.length > 0 ? ` and ${bundles.length} bundles` : ""}`);
  if (flags.validate) {
    const problem = problemOf(policies, bundles, flags);
    if (problem !== null) throw new PolicyError(`catalog validation failed: ${problem}`);
    say("Catalog validation passed");
  }
  const metadata = { name: flags.name, version: flags.version, updatedAt: at, repository };
  const catalog = { apiVersion: "gator.gatekeeper.sh/v1alpha1", kind: "PolicyCatalog", metadata, bundles, policies };
  writeCatalog(flags.output, header(at) + writeGoYaml(catalog, "go"));
  say(`Catalog written to ${flags.output}`);
}

function writeCatalog(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    throw new PolicyError(`writing catalog: writing catalog file: ${goWriteError("open", path, error)}`);
  }
}

function header(at: string): string {
  return `# Policy Catalog for Gatekeeper Library
#
# This file is auto-generated. Do not edit directly.
# Generated at: ${at.replace(/\.\d+Z$/, "Z")}
#
# To regenerate, run:
#   gator policy generate-catalog --library-path=. --output=catalog.yaml
#
`;
}

// ── policies

function templatesBelow(folder: string): readonly string[] {
  return sortedEntries(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return templatesBelow(path);
    return name === "template.yaml" ? [path] : [];
  });
}

function sortedEntries(folder: string): readonly string[] {
  return readdirSync(folder).toSorted((a, b) => (a < b ? -1 : 1));
}

function policyOf(file: string, root: string): GeneratedPolicy | null {
  const step = `generating catalog: walking library directory: parsing template at ${file}: parsing template YAML`;
  const tree = readDocument(readFileSync(file, "utf8"), step);
  if (stringAt(tree, "kind") !== "ConstraintTemplate") return null;
  const annotations = valueAt(tree, "metadata", "annotations");
  const annotation = (name: string): string => (isObject(annotations) ? stringAt(annotations, name) : "");
  const version = annotation("metadata.gatekeeper.sh/version");
  const bundles = annotation("metadata.gatekeeper.sh/bundle")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const templatePath = relative(root, file).split(sep).join("/");
  const constraints = bundles.length === 0 ? null : bundleConstraints(dirname(file), root, bundles);
  const documentation = annotation("policy.gatekeeper.sh/docs");
  return {
    name: stringAt(tree, "metadata", "name"),
    version: version === "" ? "v1.0.0" : version.replace(/^v?/, "v"),
    description: annotation("description"),
    category: categoryOf(templatePath),
    templatePath,
    ...(constraints === null ? {} : { bundleConstraints: constraints }),
    ...(documentation === "" ? {} : { documentationUrl: documentation }),
    ...(bundles.length === 0 ? {} : { bundles }),
  };
}

function categoryOf(templatePath: string): string {
  const [first, folder] = templatePath.split("/");
  if (first !== "library" || folder === undefined) return "general";
  const category = folder.replaceAll(/[_ ]/g, "-");
  return category === "pod-security-policy" ? "pod-security" : category;
}

function bundleConstraints(
  folder: string,
  root: string,
  bundles: readonly string[],
): Readonly<Record<string, string>> | null {
  const samples = join(folder, "samples");
  if (!existsSync(samples)) return null;
  const found = sortedEntries(samples).flatMap((name) => {
    const file = ["constraint.yaml", "constraint.yml"].map((one) => join(samples, name, one)).find(existsSync);
    if (file === undefined || !isConstraint(file)) return [];
    return [{ name, path: relative(root, file).split(sep).join("/") }];
  });
  const [first] = found;
  if (first === undefined) return null;
  return Object.fromEntries(
    bundles.map((bundle) => {
      const word = bundle.slice(bundle.lastIndexOf("-") + 1).toLowerCase();
      return [bundle, (found.find(({ name }) => name.toLowerCase().includes(word)) ?? first).path];
    }),
  );
}

function isConstraint(file: string): boolean {
  try {
    const tree = readDocument(readFileSync(file, "utf8"), "");
    return stringAt(tree, "apiVersion").startsWith("constraints.gatekeeper.sh/");
  } catch {
    return false;
  }
}

// ── bundles

function bundlesIn(file: string): readonly GeneratedBundle[] {
  const step = "generating catalog: loading bundles file";
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new PolicyError(`${step}: reading bundles file: open ${file}: no such file or directory`);
  }
  return readBundles(readDocument(text, `${step}: parsing bundles YAML`)).map(asGenerated);
}

function asGenerated({ name, description, inherits, policies }: Bundle): GeneratedBundle {
  return { name, description, ...(inherits === "" ? {} : { inherits }), policies };
}

function bundlesOf(policies: readonly GeneratedPolicy[]): readonly GeneratedBundle[] {
  const names = [...new Set(policies.flatMap(({ bundles = [] }) => bundles))].toSorted();
  return names.map((name) => ({
    name,
    description: bundleDescriptions.get(name) ?? `Policy bundle: ${name}`,
    policies: policies.filter(({ bundles = [] }) => bundles.includes(name)).map((policy) => policy.name),
  }));
}

function withBundles(policy: GeneratedPolicy, bundles: readonly GeneratedBundle[]): GeneratedPolicy {
  const names = bundles.filter(({ policies }) => policies.includes(policy.name)).map(({ name }) => name);
  return names.length === 0 ? policy : { ...policy, bundles: names };
}

function withUrls(policy: GeneratedPolicy, baseUrl: string): GeneratedPolicy {
  const base = baseUrl.replace(/\/$/, "");
  const absolute = (path: string): string => (path.startsWith("http") ? path : `${base}/${path}`);
  const { bundleConstraints: constraints } = policy;
  const entries = Object.entries(constraints ?? {}).map(([bundle, path]) => [bundle, absolute(path)] as const);
  const moved = constraints === undefined ? {} : { bundleConstraints: Object.fromEntries(entries) };
  return { ...policy, templatePath: absolute(policy.templatePath), ...moved };
}

const semver = /^v?\d+\.\d+\.\d+(?:-[\w.]+)?(?:\+[\w.]+)?$/;

/** The first thing that makes the catalog unusable; null when there is none. */
function problemOf(
  policies: readonly GeneratedPolicy[],
  bundles: readonly GeneratedBundle[],
  { name: catalog, version: catalogVersion }: GenerateFlags,
): string | null {
  if (catalog === "") return "missing metadata.name";
  if (catalogVersion === "") return "missing metadata.version";
  const names = new Set<string>();
  for (const { name, version } of policies) {
    if (name === "") return "policy missing name";
    if (names.has(name)) return `duplicate policy name: ${name}`;
    if (!semver.test(version)) return `policy ${name} has invalid version: ${version}`;
    names.add(name);
  }
  for (const bundle of bundles) {
    if (bundle.name === "") return "bundle missing name";
    const missing = bundle.policies.find((name) => !names.has(name));
    if (missing !== undefined) return `bundle ${bundle.name} references non-existent policy: ${missing}`;
  }
  return null;
}
