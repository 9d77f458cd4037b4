// What phase 2 hands to phase 3: modules and query in which names are paths, locals are unique, and every call stands
// in a literal of its own; and what was learnt on the way that messages and the type check need.

import type { Out } from "@portcullis/lang";
import type { Body, Module } from "./ast.ts";
import type { Graph } from "./graph.ts";
import type { Names } from "./names.ts";

export interface Resolved {
  readonly modules: readonly Module[];
  /** Null when nothing was asked; its errors are told only when the modules have none. */
  readonly query: Out<ResolvedQuery | null> | null;
  readonly names: Names;
  /** As the rules depended on each other when their references were still where they were written. */
  readonly graph: Graph;
}

export interface ResolvedQuery {
  readonly body: Body;
  /** The query has names of its own: `__localq0__`. */
  readonly names: Names;
}
