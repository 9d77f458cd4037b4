// YAML as gator prints its rows: the fields of Go's structs in their order and in lower case, maps with sorted keys,
// four spaces. From the second row on gator prints flow style on one line: the mark that it puts on a row's trace is
// used up by the next list or map, which is the next row. Numbers of the constraint
// are integers there, those of the object and the details are doubles.
// Gatekeeper: pkg/gator/test/types.go YamlGatorResult; go.yaml.in/yaml v3: encode.go structv.

import { Decimal } from "@portcullis/lang";
import { formatFloat } from "@portcullis/lang/go";
import type { GatorRow, StatsEntry } from "@portcullis/policy";
import { GoFlow, GoStruct, writeGoYaml } from "./goyaml-writer.ts";

/** What `gator test -o yaml` prints. */
export function rowsYaml(rows: readonly GatorRow[], stats: readonly StatsEntry[]): string {
  const results = rows.map(rowTree).map((row, index) => (index === 0 ? row : new GoFlow(row)));
  if (stats.length === 0) return writeGoYaml(results, "yaml.v3");
  return writeGoYaml(new GoStruct({ results, stats: stats.map(statsTree) }), "yaml.v3");
}

function rowTree(row: GatorRow): GoStruct {
  const result = {
    target: row.target,
    msg: row.msg,
    metadata: asDoubles(row.metadata ?? {}),
    constraint: new GoStruct({ object: row.constraint }),
    enforcementaction: row.enforcementAction ?? "",
    scopedenforcementactions: row.scopedActions ?? [],
  };
  return new GoStruct({
    result: new GoStruct(result),
    violatingObject: asDoubles(row.violatingObject),
    trace: new GoFlow(row.trace),
  });
}

function statsTree({ scope, statsFor, stats, labels }: StatsEntry): GoStruct {
  return new GoStruct({
    scope,
    statsfor: statsFor,
    stats: stats.map(
      ({ name, value, source }) => new GoStruct({ name, value: asDoubles(value), source: new GoStruct({ ...source }) }),
    ),
    labels: labels.map((label) => new GoStruct({ ...label })),
  });
}

/** A tree whose numbers are written as doubles: a million is 1e+06. */
function asDoubles(tree: unknown): unknown {
  if (typeof tree === "number") return doubleOf(tree);
  if (tree instanceof Decimal) return doubleOf(tree.double);
  if (Array.isArray(tree)) return tree.map(asDoubles);
  if (typeof tree !== "object" || tree === null) return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, asDoubles(value)]));
}

function doubleOf(value: number): Decimal {
  return new Decimal(formatFloat(value, "g", null));
}
