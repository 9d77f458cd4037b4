import type { TestEvent } from "node:test/reporters";

/** A node:test reporter that writes only how many tests were executed. */
export default async function* totals(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type === "test:summary" && event.data.file === undefined) {
      yield String(event.data.counts.tests - event.data.counts.skipped);
    }
  }
}
