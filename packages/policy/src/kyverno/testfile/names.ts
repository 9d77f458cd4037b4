// Names of values: dotted paths whose steps may be quoted, `"a.b".c`, as Go's csv reader splits them at dots.

/** The steps of a name. */
export function splitName(name: string): readonly string[] {
  const steps: string[] = [];
  let rest = name;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(?:\.|$)/.exec(rest);
    const plain = /^[^.]*/.exec(rest)?.[0] ?? "";
    const step = quoted === null ? plain : (quoted[1] ?? "").replaceAll('""', '"');
    const used = quoted === null ? plain.length : quoted[0].replace(/\.$/, "").length;
    steps.push(step);
    if (used >= rest.length) return steps;
    rest = rest.slice(used + 1);
  }
}
