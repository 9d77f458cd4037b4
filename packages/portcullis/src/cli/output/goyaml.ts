// YAML as gator prints its rows: the fields of Go's structs in their order and in lower case, maps with sorted keys,
// four spaces. (From the second row on gator prints flow style, by accident of its library; ours stays in blocks.)

import type { GatorRow } from "@portcullis/policy";
import { Decimal } from "@portcullis/lang";
import { dump } from "js-yaml";

/** The rows of `gator test -o yaml`. */
export function rowsYaml(rows: readonly GatorRow[]): string {
  if (rows.length === 0) return "[]\n";
  const text = dump(rows.map(rowTree), { indent: 4, noRefs: true, lineWidth: -1 });
  return text;
}

function rowTree({
  target,
  msg,
  metadata,
  constraint,
  enforcementAction,
  scopedActions,
  violatingObject,
}: GatorRow): unknown {
  return {
    result: {
      target,
      msg,
      metadata: sorted(metadata ?? {}),
      constraint: { object: sorted(constraint) },
      enforcementaction: enforcementAction,
      scopedenforcementactions: scopedActions ?? [],
    },
    violatingObject: sorted(violatingObject),
    trace: null,
  };
}

function sorted(value: unknown): unknown {
  if (value instanceof Decimal) return Number(value.text);
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
