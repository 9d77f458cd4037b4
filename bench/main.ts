// `npm run bench -- [NAME…] [--json]`: side by side with the peers found in $PEERS_DIR, in one run.

import { parseArgs } from "node:util";
import type { Row } from "./bench.ts";
import { benches } from "./benches.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
});
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  console.error(
    `unknown bench ${unknown.join(", ")}; the benches are ${benches.map((bench) => bench.name).join(", ")}`,
  );
  process.exit(2);
}
const report: Record<string, readonly Row[]> = {};
for (const bench of benches) {
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
  if (!values.json) console.log(`${bench.name}: ${bench.measures}`);
  // Benches run one after the other, because they share two cores.
  // oxlint-disable-next-line no-await-in-loop
  const rows = await bench.run();
  report[bench.name] = rows;
  if (!values.json) for (const row of rows) console.log(`  ${format(row)}`);
}
if (values.json) console.log(JSON.stringify(report, null, 2));

function format(row: Row): string {
  const peer =
    row.theirs === null
      ? "peer not in $PEERS_DIR"
      : `theirs ${number(row.theirs)} ${row.unit}, ${number(row.ratio ?? 0)} times better`;
  return `${row.what}: ours ${number(row.ours)} ${row.unit}, ${peer}${row.note === undefined ? "" : ` (${row.note})`}`;
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
