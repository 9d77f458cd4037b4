// A dialect is a table of functions and the engine whose behaviour counts where engines differ: the specification, or
// go-jmespath as Kyverno forked it, with its quirks of grammar, missing keys and projections.

import type { Engine, JmesFunction } from "./functions/function.ts";

export interface Dialect {
  readonly name: string;
  readonly engine: Engine;
  readonly functions: ReadonlyMap<string, JmesFunction>;
  /**
   * `list[?…] | length(@)` is 0 where the list is absent; without this the length of null is an error, as in Kyverno,
   * which refuses a Pod without init containers in the policy that only counts them.
   */
  readonly absentFilterIsEmpty?: true;
}
