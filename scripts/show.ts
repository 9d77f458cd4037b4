// `npm run show -- FILE --phase ast|plan|js|trace [--entry data.pkg.rule] [--input FILE] [--v0]`: any intermediate form of a
// policy, for people. FILE is a Rego module, or a YAML file whose ConstraintTemplates are shown one after the other.
// `trace` evaluates the entry and prints each literal that was tried with the values bound there.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Budget, Source, formatDiagnostic, parseJson } from "@portcullis/lang";
import { parseYaml } from "@portcullis/kube";
import { type Module, type RegoText, type Value, compile, parseModule } from "@portcullis/rego";
import { loadCode, worldNow } from "../packages/portcullis/src/app/host.ts";

const phases = ["ast", "plan", "js", "trace"] as const;
type Phase = (typeof phases)[number];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    phase: { type: "string", default: "js" },
    entry: { type: "string" },
    input: { type: "string" },
    v0: { type: "boolean", default: false },
  },
});
const [file] = positionals;
const phase = phases.find((name) => name === values.phase);
if (file === undefined || phase === undefined) {
  console.error(
    `usage: npm run show -- FILE --phase ${phases.join("|")} [--entry data.pkg.rule] [--input FILE] [--v0]`,
  );
  process.exit(2);
}
for (const text of regoTexts(file)) showText(text, phase);

function regoTexts(path: string): readonly RegoText[] {
  const text = readFileSync(path, "utf8");
  if (path.endsWith(".rego")) return [{ source: new Source(path, text), version: values.v0 ? "v0" : "v1" }];
  const { value, diagnostics } = parseYaml(new Source(path, text), { dialect: "go" });
  for (const diagnostic of diagnostics) console.error(formatDiagnostic(diagnostic));
  return value.flatMap((document) => templateTexts(path, document.value as Template));
}

interface Template {
  readonly kind?: string;
  readonly spec?: { readonly targets?: readonly Target[] };
}

interface Target {
  readonly rego?: string;
  readonly libs?: readonly string[];
  readonly code?: readonly {
    readonly engine: string;
    readonly source: { readonly rego: string; readonly libs?: readonly string[]; readonly version?: string };
  }[];
}

function templateTexts(path: string, template: Template): readonly RegoText[] {
  if (template.kind !== "ConstraintTemplate") return [];
  return (template.spec?.targets ?? []).flatMap((target) => {
    const code = target.code?.find(({ engine }) => engine === "Rego")?.source;
    const version = code?.version === "v1" ? "v1" : "v0";
    const texts = [target.rego ?? code?.rego ?? "", ...(target.libs ?? code?.libs ?? [])];
    return texts.map((text, index) => ({ source: new Source(`${path}#${index}`, text), version }) as const);
  });
}

function showText(text: RegoText, wanted: Phase): void {
  const { value: module, diagnostics } = parseModule(text);
  for (const diagnostic of diagnostics) console.error(formatDiagnostic(diagnostic));
  if (module === null) {
    process.exitCode = 1;
    return;
  }
  console.log(`# ${text.source.name}`);
  if (wanted === "ast") console.log(JSON.stringify(module, withoutSources, 2));
  else showCompiled(module, wanted);
}

function showCompiled(module: Module, wanted: Exclude<Phase, "ast">): void {
  const path = `data.${module.package.path.slice(1).join(".")}`;
  const names = new Set(module.rules.filter(({ head }) => head.args === null).map(({ head }) => head.reference[0]));
  const entrypoints = values.entry === undefined ? ruleNames(path, names) : [values.entry];
  const { value: program, diagnostics } = compile({
    modules: [module],
    entrypoints,
    trace: wanted === "trace",
    load: loadCode,
  });
  for (const diagnostic of diagnostics) console.error(formatDiagnostic(diagnostic));
  if (program === null) {
    process.exitCode = 1;
    return;
  }
  if (wanted !== "trace") {
    console.log(program[wanted]);
    return;
  }
  const input = values.input === undefined ? undefined : (parseJson(readFileSync(values.input, "utf8")) as Value);
  for (const entry of entrypoints) {
    const value = program.entry(entry, {
      input,
      world: worldNow((need) => ({ error: `${need.kind} is not available here` })),
      budget: new Budget({ deadlineMs: performance.now() + 10_000 }, () => performance.now()),
      trace: ({ op, line, column, text, locals }) => {
        const bound = [...locals].map(([name, local]) => `${name}=${JSON.stringify(local)}`).join(" ");
        console.log(`${op.padEnd(7)} ${line}:${column} ${text.split("\n")[0] ?? ""}  ${bound}`);
      },
    });
    console.log(`${entry} = ${value === undefined ? "undefined" : JSON.stringify(value)}`);
  }
}

function ruleNames(path: string, heads: ReadonlySet<unknown>): readonly string[] {
  return [...new Set([...heads].map((head) => `${path}.${(head as { readonly name: string }).name}`))];
}

function withoutSources(key: string, value: unknown): unknown {
  return key === "source" ? undefined : value;
}
