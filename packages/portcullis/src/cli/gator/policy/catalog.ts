// A catalog of policies: where each one's template lies, its version, and the bundles that name several policies. A bundle
// may inherit another one, whose policies come first. Gatekeeper: pkg/gator/policy/catalog/{types,fetch}.go.

import { isObject, parseYaml, stringAt, valueAt } from "@portcullis/kube";
import { Source, hasError } from "@portcullis/lang";

export interface PolicyCatalog {
  readonly metadata: { readonly name: string; readonly version: string };
  readonly bundles: readonly Bundle[];
  readonly policies: readonly CatalogPolicy[];
}

export interface Bundle {
  readonly name: string;
  readonly description: string;
  /** The bundle whose policies come first; "" for none. */
  readonly inherits: string;
  readonly policies: readonly string[];
}

export interface CatalogPolicy {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly category: string;
  /** A URL, or a path from the catalog on. */
  readonly templatePath: string;
  /** By bundle: the constraint that belongs to it. */
  readonly bundleConstraints: Readonly<Record<string, string>>;
}

/** A failure with gator's text; the command says with which code it ends. */
export class PolicyError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = "PolicyError";
    this.exitCode = exitCode;
  }
}

/** Throws PolicyError. */
export function parseCatalog(text: string): PolicyCatalog {
  const tree = readDocument(text, "parsing catalog YAML");
  const kind = stringAt(tree, "kind");
  if (stringAt(tree, "apiVersion") === "") throw new PolicyError("catalog missing apiVersion");
  if (kind !== "PolicyCatalog") throw new PolicyError(`invalid catalog kind: expected PolicyCatalog, got ${kind}`);
  const name = stringAt(tree, "metadata", "name");
  if (name === "") throw new PolicyError("catalog missing metadata.name");
  return {
    metadata: { name, version: stringAt(tree, "metadata", "version") },
    bundles: readBundles(tree),
    policies: listAt(tree, "policies").map(policyOf),
  };
}

/** The bundles of a catalog, or of a file with nothing else. */
export function readBundles(tree: unknown): readonly Bundle[] {
  return listAt(tree, "bundles").map((one) => ({
    name: stringAt(one, "name"),
    description: stringAt(one, "description"),
    inherits: stringAt(one, "inherits"),
    policies: listAt(one, "policies").filter((policy) => typeof policy === "string"),
  }));
}

/** The first document of a text. Throws PolicyError. */
export function readDocument(text: string, step: string): unknown {
  const { value, diagnostics } = parseYaml(new Source("catalog.yaml", text), { dialect: "go" });
  const wrong = diagnostics.find(({ severity }) => severity === "error");
  if (hasError(diagnostics)) throw new PolicyError(`${step}: ${wrong?.message ?? "not readable"}`);
  return value[0]?.value ?? null;
}

function policyOf(tree: unknown): CatalogPolicy {
  const constraints = valueAt(tree, "bundleConstraints");
  const entries = isObject(constraints) ? Object.entries(constraints) : [];
  return {
    name: stringAt(tree, "name"),
    version: stringAt(tree, "version"),
    description: stringAt(tree, "description"),
    category: stringAt(tree, "category"),
    templatePath: stringAt(tree, "templatePath"),
    bundleConstraints: Object.fromEntries(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    ),
  };
}

function listAt(tree: unknown, key: string): readonly unknown[] {
  const value = valueAt(tree, key);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

export function findPolicy({ policies }: PolicyCatalog, name: string): CatalogPolicy | null {
  return policies.findLast((policy) => policy.name === name) ?? null;
}

/** How many bundles may inherit each other in a row. */
const inheritanceMax = 10;

/** The names of a bundle's policies, those of its ancestors first. Throws PolicyError. */
export function bundlePolicies(catalog: PolicyCatalog, name: string): readonly string[] {
  const chain: Bundle[] = [];
  for (let wanted = name; wanted !== "" || chain.length === 0;) {
    const bundle = catalog.bundles.findLast((one) => one.name === wanted);
    if (bundle === undefined) throw new PolicyError(`bundle not found: ${wanted}`);
    if (chain.includes(bundle)) throw new PolicyError(`circular inheritance detected in bundle: ${bundle.name}`);
    if (chain.length >= inheritanceMax) {
      throw new PolicyError(`bundle inheritance exceeds maximum depth of ${inheritanceMax}`);
    }
    chain.unshift(bundle);
    wanted = bundle.inherits;
  }
  return [...new Set(chain.flatMap(({ policies }) => policies))];
}

/** Names on the command line and those of bundles, in this order, each once. Throws PolicyError. */
export function namesWithBundles(
  names: readonly string[],
  bundles: readonly string[],
  catalog: PolicyCatalog | null,
): readonly string[] {
  if (catalog === null) return names;
  return [...new Set([...names, ...bundles.flatMap((bundle) => bundlePolicies(catalog, bundle))])];
}
