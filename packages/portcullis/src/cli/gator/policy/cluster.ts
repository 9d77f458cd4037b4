// What `gator policy` asks and changes in a cluster: templates and constraints that bear its marks. A resource without them
// belongs to somebody else and is never touched. Gatekeeper: pkg/gator/policy/client/client.go, labels/labels.go.

import { type JsonRecord, isObject, nameOf, stringAt, valueAt } from "@portcullis/kube";
import { ApiError, type ClusterClient, type ClusterObject } from "../../../cluster/api.ts";
import { pause } from "../../../cluster/retry.ts";
import { PolicyError } from "./catalog.ts";

const templates = { group: "templates.gatekeeper.sh", version: "v1", resource: "constrainttemplates" };

const managedBy = "gatekeeper.sh/managed-by";
const bundleLabel = "gatekeeper.sh/bundle";
const versionAnnotation = "gatekeeper.sh/policy-version";
const sourceAnnotation = "gatekeeper.sh/policy-source";
const installedAnnotation = "gatekeeper.sh/installed-at";
const owner = "gator";
const source = "https://github.com/open-policy-agent/gatekeeper-library";

export interface InstalledPolicy {
  readonly name: string;
  readonly version: string;
  readonly bundle: string;
  /** RFC 3339. */
  readonly installedAt: string;
}

/** How long a template may take until its constraints can be made. */
export interface Patience {
  readonly limitMs: number;
  readonly betweenMs: number;
}

export const patience: Patience = { limitMs: 120_000, betweenMs: 500 };

/** Someone else's resource with the name of ours. */
export class ConflictError extends PolicyError {
  constructor(kind: string, name: string) {
    const marks = "(expected label 'gatekeeper.sh/managed-by: gator' and annotation 'gatekeeper.sh/policy-source')";
    super(`${kind} '${name}' already exists but is not managed by gator ${marks}`, 3);
  }
}

export const notInstalledText = `Gatekeeper CRDs not found in cluster.

See the installation guide: https://open-policy-agent.github.io/gatekeeper/website/docs/install`;

/** Throws PolicyError for every trouble but a kind that nobody serves. */
export async function isGatekeeperInstalled(client: ClusterClient): Promise<boolean> {
  return isServed(client, templates, "checking Gatekeeper installation");
}

type Resource = typeof templates;

async function isServed(client: ClusterClient, resource: Resource, step: string): Promise<boolean> {
  try {
    await client.call({
      method: "GET",
      path: `/apis/${resource.group}/${resource.version}/${resource.resource}?limit=1`,
    });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw new PolicyError(`${step}: ${textOf(error)}`);
  }
}

export async function managedTemplates(client: ClusterClient): Promise<readonly InstalledPolicy[]> {
  const found: InstalledPolicy[] = [];
  try {
    for await (const page of client.list(templates, { labelSelector: `${managedBy}=${owner}` })) {
      for (const one of page) {
        if (!isManaged(one)) continue;
        found.push({
          name: nameOf(one),
          version: annotationOf(one, versionAnnotation),
          bundle: stringAt(one, "metadata", "labels", bundleLabel),
          installedAt: annotationOf(one, installedAnnotation),
        });
      }
    }
  } catch (error) {
    throw new PolicyError(`listing managed templates: ${textOf(error)}`);
  }
  return found;
}

export function isManaged(object: ClusterObject): boolean {
  return stringAt(object, "metadata", "labels", managedBy) === owner && annotationOf(object, sourceAnnotation) !== "";
}

export function versionOf(object: ClusterObject): string {
  return annotationOf(object, versionAnnotation);
}

function annotationOf(object: ClusterObject, name: string): string {
  return stringAt(object, "metadata", "annotations", name);
}

/** The object with gator's marks. */
export function marked(
  object: JsonRecord,
  { version, bundle, at }: { readonly version: string; readonly bundle: string; readonly at: string },
): JsonRecord {
  const metadata = recordAt(object, "metadata");
  const labels = { ...recordAt(metadata, "labels"), [managedBy]: owner };
  const annotations = {
    ...recordAt(metadata, "annotations"),
    [versionAnnotation]: version,
    [sourceAnnotation]: source,
    [installedAnnotation]: at,
  };
  const inBundle = bundle === "" ? labels : { ...labels, [bundleLabel]: bundle };
  return { ...object, metadata: { ...metadata, labels: inBundle, annotations } };
}

function recordAt(object: JsonRecord, key: string): JsonRecord {
  const value = object[key];
  return isObject(value) ? value : {};
}

/** Null when there is none. */
export async function findTemplate(client: ClusterClient, name: string, step: string): Promise<ClusterObject | null> {
  return find(client, templates, name, step);
}

export async function findConstraint(client: ClusterClient, kind: string, name: string): Promise<ClusterObject | null> {
  return find(client, constraintResource(kind), name, "getting constraint");
}

async function find(
  client: ClusterClient,
  resource: Resource,
  name: string,
  step: string,
): Promise<ClusterObject | null> {
  try {
    return await client.get(resource, { namespace: "", name });
  } catch (error) {
    if (isNotFound(error)) return null;
    throw new PolicyError(`${step}: ${textOf(error)}`);
  }
}

/** Creates or replaces. */
export async function putTemplate(client: ClusterClient, template: JsonRecord): Promise<void> {
  await put(client, templates, template, "installing template");
}

export async function putConstraint(client: ClusterClient, constraint: JsonRecord): Promise<void> {
  await put(client, constraintResource(stringAt(constraint, "kind")), constraint, "installing constraint");
}

async function put(client: ClusterClient, resource: Resource, object: JsonRecord, step: string): Promise<void> {
  const existing = await find(client, resource, nameOf(object), step);
  try {
    if (existing === null) await client.create(resource, object);
    else await client.update(resource, withVersionOf(object, existing));
  } catch (error) {
    throw new PolicyError(`${step}: ${textOf(error)}`);
  }
}

function withVersionOf(object: JsonRecord, existing: ClusterObject): JsonRecord {
  const resourceVersion = stringAt(existing, "metadata", "resourceVersion");
  return { ...object, metadata: { ...recordAt(object, "metadata"), resourceVersion } };
}

export async function removeTemplate(client: ClusterClient, name: string): Promise<void> {
  try {
    await client.remove(templates, { namespace: "", name });
  } catch (error) {
    if (!isNotFound(error)) throw new PolicyError(`deleting template: ${textOf(error)}`);
  }
}

/** Waits until the template has been taken and its constraints' kind is served. */
export async function whenReady(
  client: ClusterClient,
  { template, kind }: { readonly template: string; readonly kind: string },
  wait: Patience,
): Promise<void> {
  const isCreated = async (): Promise<boolean> => {
    const found = await findTemplate(client, template, "waiting for template ready: getting template status");
    return found !== null && valueAt(found, "status", "created") === true;
  };
  const timeout = "waiting for template ready: timeout waiting for template";
  await until(isCreated, `${timeout} ${template} to be ready`, wait);
  const step = "waiting for constraint CRD: checking constraint CRD availability";
  const served = (): Promise<boolean> => isServed(client, constraintResource(kind), step);
  const noCrd = `waiting for constraint CRD: timeout waiting for constraint CRD ${kind} to be available`;
  await until(served, noCrd, wait);
}

async function until(holds: () => Promise<boolean>, timeout: string, wait: Patience): Promise<void> {
  const end = performance.now() + wait.limitMs;
  while (performance.now() < end) {
    // A question after the other, with a pause.
    // oxlint-disable-next-line no-await-in-loop
    if (await holds()) return;
    // oxlint-disable-next-line no-await-in-loop
    await pause(wait.betweenMs);
  }
  throw new PolicyError(timeout);
}

function constraintResource(kind: string): Resource {
  return { group: "constraints.gatekeeper.sh", version: "v1beta1", resource: kind.toLowerCase() };
}

function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
