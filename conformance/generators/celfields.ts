// The fields of the object that the expressions of a rule in CEL read: `object.spec.a`, what is read of the elements of a list
// in a macro (`object.spec.list.all(x, x.b)`), and what is read of variables that stand for such paths.

import { valueAt } from "@portcullis/kube";

type Path = readonly string[];

const macros = new Set(["all", "exists", "exists_one", "filter", "map"]);

/** Of one rule; `[]` stands for each item of a list. */
export function celFields(rule: unknown): readonly Path[] {
  const cel = valueAt(rule, "validate", "cel");
  const known = new Map<string, Path>([["object", []]]);
  const found: Path[] = [];
  for (const variable of listAt(cel, "variables")) {
    const paths = pathsIn(textAt(variable, "expression"), known);
    found.push(...paths);
    const [first] = paths;
    if (first !== undefined) known.set(`variables.${textAt(variable, "name")}`, first);
  }
  const texts = [...listAt(rule, "celPreconditions"), ...listAt(cel, "expressions")].flatMap((one) => [
    textAt(one, "expression"),
    textAt(one, "messageExpression"),
  ]);
  return [...found, ...texts.flatMap((text) => pathsIn(text, known))].filter((path) => path.length > 0);
}

function pathsIn(text: string, outer: ReadonlyMap<string, Path>): readonly Path[] {
  const known = new Map(outer);
  const plain = text.replaceAll(/\.orValue\([^()]*\)/g, "").replaceAll(".?", ".");
  return [...plain.matchAll(/\b((?:variables\.)?[A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)(?:\((\s*\w+))?/g)].flatMap(
    ([, name = "", rest = "", first]) => {
      const base = known.get(name);
      if (base === undefined) return [];
      const steps = rest.split(".").slice(1);
      const method = first === undefined ? undefined : steps.pop();
      const path = [...base, ...steps];
      if (first !== undefined && method !== undefined && macros.has(method)) known.set(first.trim(), [...path, "[]"]);
      return [path];
    },
  );
}

function listAt(tree: unknown, field: string): readonly unknown[] {
  const list = valueAt(tree, field);
  return Array.isArray(list) ? (list as readonly unknown[]) : [];
}

function textAt(tree: unknown, field: string): string {
  const text = valueAt(tree, field);
  return typeof text === "string" ? text : "";
}
