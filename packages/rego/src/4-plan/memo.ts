// Which functions remember their results. A rule always does; a function only where a call is dearer than a look into a
// Map and more than one call is likely: it is called in a loop or from several places, and its bodies scan or call much.
// Objects are looked up by identity, which is sound because values never change. OPA keeps the results of all functions.

import type { Block, FunctionBody, PlannedFunction } from "../ir.ts";

/** What a look-up costs, in units of about one cheap built-in call. */
const worth = 6;

export function memoOf(planned: PlannedFunction, calls: CallCounts, index: number): PlannedFunction["memo"] {
  if (planned.parameters.length !== 1) return planned.memo;
  const repeated = calls.looped.has(index) || (calls.sites.get(index) ?? 0) > 1;
  return repeated && cost(planned.body) >= worth ? "arguments" : "none";
}

export interface CallCounts {
  /** In how many places a function is called. */
  readonly sites: ReadonlyMap<number, number>;
  /** Functions that are called inside a scan. */
  readonly looped: ReadonlySet<number>;
}

export function countCalls(functions: readonly PlannedFunction[]): CallCounts {
  const sites = new Map<number, number>();
  const looped = new Set<number>();
  const note = (index: number, inLoop: boolean): void => {
    sites.set(index, (sites.get(index) ?? 0) + 1);
    if (inLoop) looped.add(index);
  };
  for (const { body } of functions) for (const block of blocksOf(body)) visitCalls(block, false, note);
  return { sites, looped };
}

function blocksOf(body: FunctionBody): readonly Block[] {
  switch (body.kind) {
    case "complete":
      return [...body.chains.flat(), ...(body.default === null ? [] : [body.default])].map(({ block }) => block);
    case "partial":
      return body.definitions.map(({ block }) => block);
    case "query":
      return [body.block];
    case "document":
      return [];
    default:
      return body satisfies never;
  }
}

/** Shows each call below a part of the plan; the plan is plain data, so its parts need no names here. */
function visitCalls(part: unknown, inLoop: boolean, note: (index: number, inLoop: boolean) => void): void {
  if (typeof part !== "object" || part === null) return;
  const { kind, function: index } = part as { readonly kind?: string; readonly function?: number };
  if (kind === "call" && index !== undefined) note(index, inLoop);
  const below = inLoop || kind === "scan" || kind === "every";
  for (const child of Object.values(part)) visitCalls(child, below, note);
}

const costs: ReadonlyMap<string, number> = new Map([
  ["scan", 6],
  ["builtin", 1],
  ["call", 2],
  ["collect", 3],
]);

function cost(part: unknown): number {
  if (typeof part !== "object" || part === null) return 0;
  const own = costs.get((part as { readonly kind?: string }).kind ?? "") ?? 0;
  return Object.values(part).reduce<number>((sum, child) => sum + cost(child), own);
}
