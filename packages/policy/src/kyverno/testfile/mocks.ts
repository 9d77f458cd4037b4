// What a test answers itself: HTTP calls of policies, and entries of the global context. The rules for writing them are
// Kyverno's: cmd/cli/kubectl-kyverno/apis/v1alpha1/test.go, store/gctx_resolve.go.

import { isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Answer } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { Json } from "../../engine/request.ts";
import { failureOf } from "../failure.ts";
import { type QueryContext, compileQuery } from "../query.ts";
import type { MockedCall } from "./cluster.ts";
import { readDocuments } from "./objects.ts";
import { joinPaths } from "./path.ts";
import { listAt, stringsAt } from "./testfile.ts";

export type ReadFile = (path: string) => { readonly text: string } | { readonly error: string };

/** The answers to HTTP calls. Throws an Error that says what is wrong with an entry. */
export function mockedCalls(entries: readonly Json[]): ReadonlyMap<string, MockedCall> {
  const calls = new Map<string, MockedCall>();
  for (const [at, entry] of entries.entries()) {
    const url = checkedUrl(at, entry);
    const method = stringAt(entry, "method").trim().toUpperCase();
    if (!["", "GET", "POST"].includes(method)) throw new Error(`apiCallResponses[${at}]: method must be GET or POST`);
    const { status, body } = checkedResponse(`apiCallResponses[${at}] ${quote(url)}`, entry);
    const key = method === "" ? url : `${method}:${url}`;
    if (calls.has(key)) {
      const text = `apiCallResponses: duplicate entry for ${quote(url)} (key ${quote(key)})`;
      throw new Error(`${text} — each method+url combination must be unique`);
    }
    calls.set(key, { status, body });
  }
  return calls;
}

function checkedUrl(at: number, entry: Json): string {
  const url = stringAt(entry, "url").trim();
  const path = stringAt(entry, "urlPath").trim();
  const fail = (why: string): never => {
    throw new Error(`apiCallResponses[${at}]: ${why}`);
  };
  if (url === "" && path === "") return fail("either url or urlPath is required");
  if (url !== "" && path !== "") return fail("url and urlPath are mutually exclusive");
  if (url !== "" && !/^https?:/i.test(url)) return fail(`url ${quote(url)} must be an absolute https/http URL`);
  if (url !== "" && !/^https?:\/\/[^/?#]/i.test(url)) return fail(`url ${quote(url)} has scheme but no host`);
  if (path !== "" && !path.startsWith("/")) {
    return fail(`urlPath ${quote(path)} must be an absolute path starting with '/'`);
  }
  return url || path;
}

function checkedResponse(what: string, entry: Json): MockedCall {
  const body = valueAt(entry, "response", "body") ?? null;
  if (body === null) throw new Error(`${what}: response.body is required`);
  if (!isObject(body)) throw new Error(`${what}: response.body must be a JSON object`);
  const given = valueAt(entry, "response", "statusCode");
  const status = typeof given === "number" ? given : 0;
  if (status !== 0 && (status < 100 || status > 599)) {
    throw new Error(`${what}: statusCode ${status} must be between 100 and 599`);
  }
  return { status: status || 200, body };
}

// ── global context entries

export interface EntryOptions {
  readonly folder: string;
  readonly readFile: ReadFile;
  readonly context: QueryContext;
}

/** The values of global context entries. Throws an Error that says what is wrong with an entry. */
export function mockedEntries(entries: readonly Json[], options: EntryOptions): ReadonlyMap<string, Answer> {
  const found = new Map<string, Answer>();
  for (const entry of entries) {
    const name = stringAt(entry, "name").trim();
    if (name === "") throw new Error("globalContextEntries: name is required");
    if (found.has(name)) throw new Error(`globalContextEntries: duplicate name ${quote(name)}`);
    checkEntry(name, entry);
    found.set(name, entryValue(name, entry, options));
  }
  return found;
}

function checkEntry(name: string, entry: Json): void {
  const fail = (why: string): never => {
    throw new Error(`globalContextEntries entry ${quote(name)}${why}`);
  };
  for (const projection of listAt(entry, "projections")) {
    const projected = stringAt(projection, "name");
    if (projected.trim() === "") fail(": projection name is required");
    if (stringAt(projection, "path").trim() === "") fail(` projection ${quote(projected)}: path is required`);
  }
  const sources = ["data", "resources", "resourceFiles"].filter((field) => (valueAt(entry, field) ?? null) !== null);
  if (sources.length > 1) fail(": data, resources, and resourceFiles are mutually exclusive");
  if (sources.length === 0) fail(": one of data, resources, or resourceFiles is required");
  if (sources[0] === "data" && !isObject(valueAt(entry, "data"))) fail(": data must be a JSON object");
  for (const [at, resource] of listAt(entry, "resources").entries()) {
    if (!isObject(resource)) fail(` resources[${at}]: must be a JSON object (Kubernetes resource manifest)`);
  }
  for (const [at, file] of stringsAt(entry, "resourceFiles").entries()) checkPath(file.trim(), at, fail);
}

function checkPath(file: string, at: number, fail: (why: string) => never): void {
  const where = ` resourceFiles[${at}]: file path must not`;
  if (file === "") fail(`${where} be empty`);
  if (file.startsWith("/")) fail(`${where} be absolute`);
  const clean = joinPaths(file);
  if (clean === ".." || clean.startsWith("../")) fail(`${where} escape the test directory`);
}

function entryValue(name: string, entry: Json, options: EntryOptions): Answer {
  const what = `globalContextEntries ${quote(name)}`;
  const root = searched(`${what} fieldPath`, stringAt(entry, "fieldPath"), rootOf(what, entry, options), options);
  const projections = listAt(entry, "projections");
  if (projections.length === 0) return { value: root };
  const values = projections.map((projection): readonly [string, Json] => {
    const projected = stringAt(projection, "name");
    const path = stringAt(projection, "path");
    const place = `${what} projection ${quote(projected)} path ${quote(path)}`;
    return [projected, searched(place, path, root, options)];
  });
  return { value: Object.fromEntries(values) };
}

function rootOf(what: string, entry: Json, { folder, readFile }: EntryOptions): Json {
  const data = valueAt(entry, "data") ?? null;
  if (data !== null) return data;
  const files = stringsAt(entry, "resourceFiles");
  if (files.length === 0) return listAt(entry, "resources");
  return files.flatMap((file) => {
    const path = joinPaths(folder, file);
    const read = readFile(path);
    if ("error" in read) throw new Error(`failed to load ${what} resourceFiles ${quote(file)}: read: ${read.error}`);
    return readDocuments(path, read.text).map(({ value }) => value);
  });
}

function searched(what: string, path: string, value: Json, { context }: EntryOptions): Json {
  if (path === "") return value;
  const query = compileQuery(path);
  try {
    return query.search(value, context);
  } catch (error) {
    throw new Error(`${what}: ${failureOf(error).message}`, { cause: error });
  }
}
