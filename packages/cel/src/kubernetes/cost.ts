// What Kubernetes' calls cost: by the function's name, whichever overload runs, beside cel-go's own costs.
// k8s.io/apiserver: pkg/cel/library/cost.go CallCost.

import type { Budget } from "@portcullis/lang";
import { utf8Length } from "@portcullis/lang/go";
import { matching, sizeAt, traversal, traverses } from "../library/cost.ts";
import type { Library, Overload } from "../library.ts";
import { entriesOf } from "../runtime/container.ts";
import { reading, sizeOf } from "../runtime/size.ts";
import { CelError, type Value, fromInput, isMap } from "../runtime/value.ts";

type Cost = NonNullable<Overload["cost"]>;

/** Everything in a value once; of texts a tenth of their bytes. */
function wholeTraversal(value: Value, budget: Budget): number {
  budget.step(reading(value) + 1);
  if (typeof value === "string") return Math.floor(utf8Length(value) * 0.1);
  if (value instanceof Uint8Array) return Math.floor(value.length * 0.1);
  if (Array.isArray(value)) {
    return (value as readonly Value[]).reduce<number>(
      (sum, element) => sum + wholeTraversal(fromInput(element), budget),
      0,
    );
  }
  if (!isMap(value)) return 1;
  let sum = 0;
  for (const [key, element] of entriesOf(value)) sum += wholeTraversal(key, budget) + wholeTraversal(element, budget);
  return sum;
}

const wholly: Cost = ([value], _, budget) => (value === undefined ? 0 : wholeTraversal(value, budget));
const text = traverses(0);
const twice = traverses(0, 2);

/** The result is written, too. */
const joining: Cost = (_, result) => traversal(result instanceof CelError ? 1 : sizeOf(result), 2);

/** Both are compared over the length of the prefix. */
const containsIp = (args: readonly Value[]): number => {
  const size = sizeAt(args, 0);
  return traversal(size + size) + (typeof args[1] === "string" ? traversal(sizeAt(args, 1)) : 0);
};

const containsCidr: Cost = (args) => containsIp(args) + traversal(sizeAt(args, 0)) + 1;

const byFunction: ReadonlyMap<string, Cost> = new Map<string, Cost>([
  ...["isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"].map((name) => [name, wholly] as const),
  ...["url", "lowerAscii", "upperAscii", "substring", "trim"].map((name) => [name, text] as const),
  ...["cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"].map((name) => [name, text] as const),
  ...["replace", "split", "ip.isCanonical"].map((name) => [name, twice] as const),
  ["join", joining],
  ["find", matching],
  ["findAll", matching],
  ["containsIP", containsIp],
  ["containsCIDR", containsCidr],
]);

/** The address of a network is there; one in a text is read. */
const ipCost: Cost = (args, result) => (typeof args[0] === "string" ? text(args, result) : 1);

/** The library with the costs of Kubernetes. */
export function withCosts(library: Library): Library {
  return { ...library, overloads: library.overloads.map(withCost) };
}

function withCost(overload: Overload): Overload {
  const cost = overload.function === "ip" ? ipCost : byFunction.get(overload.function);
  return cost === undefined ? overload : { ...overload, cost, costsWhenDispatched: true };
}
