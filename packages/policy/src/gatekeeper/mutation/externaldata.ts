// Values that a provider gives. While mutators run, a placeholder stands where such a value will be; when nothing changes
// any more, each provider is asked once for all its keys, and each placeholder becomes the value, or what the failure
// policy puts in its place. The driver does the asking: a provider's answer is the body of its response.
// Gatekeeper: pkg/mutation/system_external_data.go.

import { aggregateTexts, byCodePoints, member, stringAt } from "@portcullis/kube";
import { type Answer, type Need, Suspend, type World } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import { externalDataNeed } from "../externaldata/need.ts";
import { goType } from "../gocode.ts";
import { listAt } from "../tree.ts";
import { MutationError } from "./change.ts";
import { Placeholder, isMap } from "./tree.ts";

/** The tree with values for its placeholders. Throws Suspend, and MutationError where a value is missing. */
export function resolvePlaceholders(tree: Json, world: World): Json {
  const wanted = new Map<string, Set<string>>();
  gather(tree, wanted);
  if (wanted.size === 0) return tree;
  const needs = [...wanted].map(([provider, keys]) => externalDataNeed(provider, [...keys].toSorted(byCodePoints)));
  const answers = askAll(world, needs);
  const replies = new Map([...wanted.keys()].map((provider, at) => [provider, replyOf(provider, answers[at])]));
  const errors: string[] = [];
  const resolved = resolve(tree, replies, errors);
  const text = aggregateTexts(errors);
  if (text !== null) throw new MutationError(`failed to resolve external data placeholders: ${text}`);
  return resolved;
}

function askAll(world: World, needs: readonly Need[]): readonly Answer[] {
  const answers = world.ask(needs);
  if (answers.length < needs.length) throw new Suspend(needs);
  return answers;
}

function gather(tree: Json, wanted: Map<string, Set<string>>): void {
  if (tree instanceof Placeholder) {
    const { provider } = tree.ref;
    wanted.set(provider, (wanted.get(provider) ?? new Set()).add(tree.key));
  } else if (Array.isArray(tree)) for (const item of tree) gather(item, wanted);
  else if (isMap(tree)) for (const value of Object.values(tree)) gather(value, wanted);
}

/** A provider's items by key, or why there are none. */
type Reply = ReadonlyMap<string, Json> | string;

function replyOf(provider: string, answer: Answer | undefined): Reply {
  if (answer === undefined || ("value" in answer && answer.value === null)) {
    return `failed to find external data provider ${provider} in responses`;
  }
  if ("error" in answer) return `failed to send external data request to provider ${provider}: ${answer.error}`;
  const response = member(answer.value, "response");
  const invalid = (text: string): string =>
    `failed to validate external data response from provider ${provider}: ${text}`;
  const systemError = stringAt(response, "systemError").trim();
  if (systemError !== "") return invalid(`non-empty system error: ${systemError}`);
  if (member(response, "idempotent") !== true) return invalid("non-idempotent response");
  return new Map(listAt(response, "items").map((item) => [stringAt(item, "key"), item]));
}

function resolve(tree: Json, replies: ReadonlyMap<string, Reply>, errors: string[]): Json {
  if (tree instanceof Placeholder) return resolveOne(tree, replies.get(tree.ref.provider) ?? "", errors);
  if (Array.isArray(tree)) {
    const items = (tree as readonly Json[]).map((item) => resolve(item, replies, errors));
    return items.every((item, at) => item === tree[at]) ? tree : items;
  }
  if (!isMap(tree)) return tree;
  const entries = Object.entries(tree).map(([key, value]) => [key, resolve(value, replies, errors)] as const);
  return entries.every(([key, value]) => value === tree[key]) ? tree : Object.fromEntries(entries);
}

function resolveOne({ ref, key }: Placeholder, reply: Reply, errors: string[]): Json {
  const value = valueIn(reply, ref.provider, key);
  if ("value" in value) return value.value;
  switch (ref.failurePolicy) {
    case "Ignore":
      return key;
    case "UseDefault":
      return ref.default;
    case "Fail":
      errors.push(value.error);
      return "";
    default:
      // Without a policy, which only gator leaves out, a failure is the empty text.
      return "";
  }
}

function valueIn(reply: Reply, provider: string, key: string): { readonly value: string } | { readonly error: string } {
  if (typeof reply === "string") return { error: reply };
  const item = reply.get(key);
  if (item === undefined) return { error: `failed to find external data item in response for provider ${provider}` };
  const failed = stringAt(item, "error");
  if (failed !== "") return { error: `failed to retrieve external data item from provider ${provider}: ${failed}` };
  const value = member(item, "value");
  if (typeof value === "string") return { value };
  const type = goType(value, "float64");
  return {
    error: `failed to convert external data item value from provider ${provider} to string, got type ${type}`,
  };
}
