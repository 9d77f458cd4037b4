// Lists, page by page. An API server leaves apiVersion and kind out of a list's items, so they are put back from the list's
// own; metadata-only answers have the kind PartialObjectMetadata, in place of which the resource's own is put.

import {
  type GroupVersionKind,
  type GroupVersionResource,
  apiVersionOf,
  isObject,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import { type ApiCall, ApiError, type ClusterObject, type ListOptions } from "./api.ts";
import { resourcePath } from "./paths.ts";

export interface ListSource {
  readonly call: (request: ApiCall) => Promise<unknown>;
  /** From discovery; null when the resource is not there. */
  readonly kindOf: (resource: GroupVersionResource) => Promise<GroupVersionKind | null>;
}

const metadataVersion = "g=meta.k8s.io;v=v1";
const metadataListAccept = `application/json;as=PartialObjectMetadataList;${metadataVersion},application/json`;
export const metadataAccept = `application/json;as=PartialObjectMetadata;${metadataVersion},application/json`;
const pageSize = 500;
/** Pages with a kept selector can be large. */
const pageTimeoutMs = 60_000;

export interface Page {
  readonly items: readonly ClusterObject[];
  readonly resourceVersion: string;
  /** "" on the last page. */
  readonly continue: string;
}

export interface PageQuery {
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
}

/** One page. */
export async function readPage(
  { call, kindOf }: ListSource,
  resource: GroupVersionResource,
  options: ListOptions & PageQuery,
): Promise<Page> {
  const { namespace, labelSelector, fieldSelector, limit = pageSize, metadataOnly = false, signal } = options;
  const query = {
    labelSelector,
    fieldSelector,
    limit,
    continue: options.continue,
    resourceVersion: options.resourceVersion,
  };
  const answer = await call({
    method: "GET",
    path: resourcePath(resource, { namespace, query }),
    timeoutMs: pageTimeoutMs,
    ...(metadataOnly ? { accept: metadataListAccept } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
  const items = valueAt(answer, "items");
  if (!isObject(answer) || !(Array.isArray(items) || items === null))
    throw new ApiError(`${resource.resource}: the answer is no list`, { status: 0, reason: "Broken" });
  const kind = stringAt(answer, "kind") === "PartialObjectMetadataList" ? await kindOf(resource) : listedKind(answer);
  const shown = metadataOnly ? metadataOf : named;
  return {
    items: ((items ?? []) as readonly ClusterObject[]).map((item) => shown(item, kind)),
    resourceVersion: stringAt(answer, "metadata", "resourceVersion"),
    continue: stringAt(answer, "metadata", "continue"),
  };
}

function listedKind(list: unknown): Pick<GroupVersionKind, "kind"> & { readonly apiVersion: string } {
  return { apiVersion: stringAt(list, "apiVersion"), kind: stringAt(list, "kind").replace(/List$/, "") };
}

type Kind = GroupVersionKind | { readonly apiVersion: string; readonly kind: string } | null;

/** Only kind and metadata, also from API servers that cannot leave out the rest. */
export function metadataOf(object: ClusterObject, kind: Kind): ClusterObject {
  const { apiVersion, kind: own, metadata } = object;
  return named({ apiVersion, kind: own, metadata }, kind);
}

/** The object with its kind. */
function named(object: ClusterObject, kind: Kind): ClusterObject {
  if (kind === null) return object;
  const apiVersion = "apiVersion" in kind ? kind.apiVersion : apiVersionOf(kind);
  if (object["apiVersion"] === apiVersion && object["kind"] === kind.kind) return object;
  return { ...object, apiVersion, kind: kind.kind };
}

/**
 * All pages. When the `continue` of a page has expired, the API server offers one that goes on behind the same object with
 * what is newest, which is taken: no object comes twice, and one that was created meanwhile before that place is missed.
 * Where none is offered, the list starts again.
 */
export async function* listPages(
  source: ListSource,
  resource: GroupVersionResource,
  options: ListOptions,
): AsyncGenerator<readonly ClusterObject[]> {
  let next = "";
  for (let isLast = false; !isLast;) {
    // Each page needs the one before.
    // oxlint-disable-next-line no-await-in-loop
    const page = await pageOrToken(source, resource, { ...options, continue: next });
    if (typeof page === "string") {
      next = page;
      continue;
    }
    if (page.items.length > 0) yield page.items;
    next = page.continue;
    isLast = next === "";
  }
}

/** What was asked for is older than what the API server remembers. */
export function isExpired(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 410 || error.reason === "Expired" || error.reason === "Gone");
}

/** The page, or the token with which to go on in place of an expired one. */
async function pageOrToken(
  source: ListSource,
  resource: GroupVersionResource,
  options: ListOptions & PageQuery & { readonly continue: string },
): Promise<Page | string> {
  try {
    return await readPage(source, resource, options);
  } catch (error) {
    if (options.continue === "" || !isExpired(error)) throw error;
    const offered = stringAt(error.answer, "metadata", "continue");
    return offered === options.continue ? "" : offered;
  }
}
