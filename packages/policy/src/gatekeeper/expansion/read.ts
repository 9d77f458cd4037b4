// One ExpansionTemplate: which kinds of objects make others (a Deployment makes Pods), where in them the other's template
// stands, and of which kind that is. Gatekeeper: pkg/expansion/system.go ValidateTemplate.

import { type JsonRecord, aggregateText, gvkOf, gvkText, member, nameOf, stringAt, valueAt } from "@portcullis/kube";
import { type Diagnostic, errorAt } from "@portcullis/lang";
import { quote, utf8Length } from "@portcullis/lang/go";
import type { Locate, ReadFrom } from "../../engine/frontend.ts";
import type { Gvk, Json } from "../../engine/request.ts";
import { type CompiledSchema, compileSchema } from "../schema.ts";
import { listAt, stringsAt } from "../tree.ts";

export const expansionGroup = "expansion.gatekeeper.sh";

export interface ExpansionUnit {
  readonly unit: "expansion";
  readonly name: string;
  readonly locate: Locate | null;
  /** Null when there is a problem. */
  readonly template: ExpansionTemplate | null;
  /** Gatekeeper's error text. */
  readonly problem: string | null;
  /** What is against strict reading only: fields that nobody knows, a version that is not served. */
  readonly strict: readonly Diagnostic[];
}

export interface ExpansionTemplate {
  readonly name: string;
  readonly applyTo: readonly {
    readonly groups: readonly string[];
    readonly versions: readonly string[];
    readonly kinds: readonly string[];
  }[];
  /** Path of the template in the object. */
  readonly source: readonly string[];
  readonly generated: Gvk;
  /** In the place of the constraint's own; empty: none. */
  readonly action: string;
}

export function readExpansion(
  object: Json,
  from: ReadFrom,
): { readonly unit: ExpansionUnit | null; readonly diagnostics: readonly Diagnostic[] } {
  const { kind, version } = gvkOf(object);
  const place = (path: readonly (string | number)[]): ReturnType<Locate> => from.locate?.(path) ?? null;
  const unserved = `no matches for kind ${quote(kind)} in version ${quote(stringAt(object, "apiVersion"))}`;
  if (kind !== "ExpansionTemplate") {
    return { unit: null, diagnostics: [errorAt("expansion", place(["kind"]), unserved)] };
  }
  const errors = schema.validate(schema.asStored(object), "");
  const text = aggregateText(errors);
  const strict = [
    ...(served.has(version) ? [] : [errorAt("expansion", place(["apiVersion"]), unserved)]),
    ...(text === null ? [] : [errorAt("expansion-schema", place(errors[0]?.path ?? ["spec"]), text)]),
    ...schema
      .unknownFields(object)
      .map((field) => errorAt("expansion-field", place(field.path), `unknown field ${quote(field.text)}`)),
  ];
  const template = templateOf(object);
  const found = problemOf(template, stringAt(object, "spec", "templateSource"));
  const name = nameOf(object);
  const unit: ExpansionUnit = {
    unit: "expansion",
    name,
    locate: from.locate ?? null,
    template: found === null ? template : null,
    problem: found?.text ?? null,
    strict,
  };
  return { unit, diagnostics: found === null ? [] : [errorAt("expansion", place(found.path), found.text)] };
}

const served: ReadonlySet<string> = new Set(["v1alpha1", "v1beta1"]);

function templateOf(object: Json): ExpansionTemplate {
  const spec = member(object, "spec");
  return {
    name: nameOf(object),
    applyTo: listAt(spec, "applyTo").map((entry) => ({
      groups: stringsAt(entry, "groups"),
      versions: stringsAt(entry, "versions"),
      kinds: stringsAt(entry, "kinds"),
    })),
    source: stringAt(spec, "templateSource").split("."),
    generated: gvkIn(valueAt(spec, "generatedGVK")),
    action: stringAt(spec, "enforcementAction"),
  };
}

function gvkIn(tree: Json): Gvk {
  return { group: stringAt(tree, "group"), version: stringAt(tree, "version"), kind: stringAt(tree, "kind") };
}

function problemOf(
  template: ExpansionTemplate,
  source: string,
): { readonly text: string; readonly path: readonly string[] } | null {
  const { name, applyTo, generated } = template;
  const problem = (text: string, ...path: readonly string[]) => ({ text: `ExpansionTemplate ${text}`, path });
  if (name === "") return problem("has empty name field", "metadata");
  if (utf8Length(name) >= 64) return problem("name must be less than 64 characters", "metadata", "name");
  if (source === "") return problem(`${name} has empty source field`, "spec");
  if (generated.group === "" && generated.version === "" && generated.kind === "") {
    return problem(`${name} has empty generatedGVK field`, "spec");
  }
  if (applyTo.length === 0) return problem(`${name} must specify ApplyTo`, "spec");
  if (!appliesTo(template, generated)) return null;
  return problem(
    `${name} generates GVK ${gvkText(generated)}, but also applies to that same GVK`,
    "spec",
    "generatedGVK",
  );
}

export function appliesTo({ applyTo }: ExpansionTemplate, { group, version, kind }: Gvk): boolean {
  return applyTo.some(
    ({ groups, versions, kinds }) => kinds.includes(kind) && groups.includes(group) && versions.includes(version),
  );
}

// ── the schema
// Gatekeeper: charts/gatekeeper/crds/expansiontemplate-customresourcedefinition.yaml.

const text = { type: "string" };
const texts = { type: "array", items: text };

function fields(properties: Record<string, Json>): JsonRecord {
  return { type: "object", properties };
}

/** As it stands in a CRD. */
export const expansionTree = fields({
  apiVersion: text,
  kind: text,
  metadata: { type: "object" },
  spec: fields({
    applyTo: { type: "array", items: fields({ groups: texts, versions: texts, kinds: texts }) },
    templateSource: text,
    generatedGVK: fields({ group: text, version: text, kind: text }),
    enforcementAction: text,
  }),
  status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
});

const schema = expansionSchema();

function expansionSchema(): CompiledSchema {
  const compiled = compileSchema(expansionTree);
  if ("error" in compiled) throw new Error(compiled.error);
  return compiled.schema;
}
