// Named formats of strings: names, labels, and those of CRD schemas. Validating gives none, or what apimachinery says.
// k8s.io/apiserver: pkg/cel/library/format.go.

import {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  formatCheck,
  labelValueErrors,
  qualifiedNameErrors,
} from "@portcullis/kube";
import { regexCost, sizeAt } from "../library/cost.ts";
import { global, method, readType } from "../library/declare.ts";
import type { Library, Overload } from "../library.ts";
import { Opaque, Optional, type Value } from "../runtime/value.ts";
import { requestUriError } from "./url.ts";

const formatType = readType("kubernetes.NamedFormat");

type Errors = (text: string) => readonly string[];

class NamedFormat extends Opaque {
  readonly type = formatType;
  readonly name: string;
  readonly errors: Errors;
  /** Length of a regular expression that would take as long, for the cost model. */
  readonly patternLength: number;

  constructor(name: string, errors: Errors, patternLength: number) {
    super();
    this.name = name;
    this.errors = errors;
    this.patternLength = patternLength;
  }

  equals(other: Opaque): boolean {
    return other instanceof NamedFormat && other.name === this.name;
  }
}

/** For what will be continued: a dash at the end stands for more. Go: maskTrailingDash, which drops two characters. */
function asPrefix(errors: Errors): Errors {
  return (text) => errors(text.length > 1 && text.endsWith("-") ? `${text.slice(0, -2)}a` : text);
}

function ofSchema(format: string, error: string): Errors {
  const isValid = formatCheck(format);
  return (text) => (isValid === null || isValid(text) ? [] : [error]);
}

function uriErrors(text: string): readonly string[] {
  const error = requestUriError(text);
  return error === null ? [] : [error];
}

const dateTimeLength = 71;

const formats: ReadonlyMap<string, NamedFormat> = new Map([
  ["dns1123Label", new NamedFormat("DNS1123Label", dns1123LabelErrors, 30)],
  ["dns1123Subdomain", new NamedFormat("DNS1123Subdomain", dns1123SubdomainErrors, 60)],
  ["dns1035Label", new NamedFormat("DNS1035Label", dns1035LabelErrors, 30)],
  ["qualifiedName", new NamedFormat("QualifiedName", qualifiedNameErrors, 60)],
  ["dns1123LabelPrefix", new NamedFormat("DNS1123LabelPrefix", asPrefix(dns1123LabelErrors), 30)],
  ["dns1123SubdomainPrefix", new NamedFormat("DNS1123SubdomainPrefix", asPrefix(dns1123SubdomainErrors), 60)],
  ["dns1035LabelPrefix", new NamedFormat("DNS1035LabelPrefix", asPrefix(dns1035LabelErrors), 30)],
  ["labelValue", new NamedFormat("LabelValue", labelValueErrors, 40)],
  ["uri", new NamedFormat("URI", uriErrors, 1103)],
  ["uuid", new NamedFormat("uuid", ofSchema("uuid", "does not match the UUID format"), 70)],
  ["byte", new NamedFormat("byte", ofSchema("byte", "invalid base64"), 84)],
  ["date", new NamedFormat("date", ofSchema("date", "invalid date"), dateTimeLength)],
  ["datetime", new NamedFormat("datetime", ofSchema("datetime", "invalid datetime"), dateTimeLength)],
]);

function validationCost(args: readonly Value[]): number {
  const [format] = args;
  return format instanceof NamedFormat ? regexCost(sizeAt(args, 1), format.patternLength) : 1;
}

const constants: readonly Overload[] = Array.from(formats, ([name, format]) =>
  global(`format.${name}() -> kubernetes.NamedFormat`, `format.${name}`, () => format),
);

export const formatLibrary: Library = {
  name: "kubernetes.format",
  overloads: [
    method(
      "kubernetes.NamedFormat.validate(string) -> optional_type(list(string))",
      "format-validate",
      ([format, text]: [NamedFormat, string], budget) => {
        budget.step(text.length);
        const errors = format.errors(text);
        return new Optional(errors.length === 0 ? undefined : errors);
      },
      { cost: validationCost, costsWhenDispatched: true },
    ),
    global(
      "format.named(string) -> optional_type(kubernetes.NamedFormat)",
      "format-named",
      ([name]: [string]) => new Optional(formats.get(name)),
    ),
    ...constants,
  ],
};
