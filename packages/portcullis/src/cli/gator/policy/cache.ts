// The catalog that `gator policy update` fetched last, and where it came from: `catalog.yaml` and `catalog.source` in
// $GATOR_HOME, or in `gator` among the user's settings. Gatekeeper: pkg/gator/policy/catalog/cache.go.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type PolicyCatalog, PolicyError, parseCatalog } from "./catalog.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const defaultCatalogUrl = "https://raw.githubusercontent.com/open-policy-agent/gatekeeper-library/master/catalog.yaml";

export function catalogUrl(environment: Environment): string {
  const url = environment["GATOR_CATALOG_URL"] ?? "";
  return url === "" ? defaultCatalogUrl : url;
}

export function saveCatalog(text: string, url: string, environment: Environment): void {
  const folder = cacheFolder(environment);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "catalog.yaml"), text, { mode: 0o600 });
    writeFileSync(join(folder, "catalog.source"), `${url.trim()}\n`, { mode: 0o600 });
  } catch (error) {
    throw new PolicyError(`saving catalog to cache: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Throws PolicyError when there is none, or one that cannot be read. */
export function cachedCatalog(environment: Environment): PolicyCatalog {
  const text = readCached("catalog.yaml", environment);
  if (text === null) throw new PolicyError("no cached catalog found, run 'gator policy update' first");
  return parseCatalog(text);
}

/** The URL of the cached catalog. Throws PolicyError. */
export function cachedSource(environment: Environment): string {
  const url = readCached("catalog.source", environment)?.trim();
  if (url === undefined) throw new PolicyError("no cached catalog source found, run 'gator policy update' first");
  if (url === "") throw new PolicyError("cached catalog source is empty, run 'gator policy update' first");
  return url;
}

function readCached(name: string, environment: Environment): string | null {
  try {
    return readFileSync(join(cacheFolder(environment), name), "utf8");
  } catch {
    return null;
  }
}

/** Go: os.UserConfigDir. */
function cacheFolder(environment: Environment): string {
  const own = environment["GATOR_HOME"] ?? "";
  if (own !== "") return own;
  const home = environment["HOME"] ?? homedir();
  if (process.platform === "darwin") return join(home, "Library", "Application Support", "gator");
  if (process.platform === "win32") return join(environment["AppData"] ?? home, "gator");
  const settings = environment["XDG_CONFIG_HOME"] ?? "";
  return join(settings === "" ? join(home, ".config") : settings, "gator");
}
