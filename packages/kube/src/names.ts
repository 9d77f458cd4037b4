// The syntax of names and labels, with apimachinery's texts. Each check returns everything that is wrong; an empty list
// means valid. Lengths are in bytes.
// Behaviour from k8s.io/apimachinery pkg/util/validation and pkg/api/validate/content.

import { utf8Length } from "@portcullis/lang/go";

const labelFormat = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomainFormat = `${labelFormat}(\\.${labelFormat})*`;
const label1035Format = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualifiedFormat = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValueFormat = `(${qualifiedFormat})?`;

// Each of these is linear: a run of one class, then a look at its last character, without nested repetition.
const labelPattern = /^[a-z0-9](?:[-a-z0-9]*(?<=[a-z0-9]))?$/;
const label1035Pattern = /^[a-z](?:[-a-z0-9]*(?<=[a-z0-9]))?$/;
const qualifiedPattern = /^[A-Za-z0-9][-A-Za-z0-9_.]*(?<=[A-Za-z0-9])$/;

const qualifiedText =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** `must be no more than 63 characters`; what apimachinery's newer checks say counts `bytes`. */
export function maxLengthText(length: number, unit: "characters" | "bytes" = "characters"): string {
  return `must be no more than ${length} ${unit}`;
}

/** `… (e.g. 'a', or 'b', regex used for validation is '…')`, with apimachinery's own punctuation. */
export function regexText(message: string, format: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${format}')`;
  const listed = examples.map((example) => `'${example}', `).join(" or ");
  return `${message} (e.g. ${listed}regex used for validation is '${format}')`;
}

function isSubdomain(value: string): boolean {
  return value.split(".").every((part) => labelPattern.test(part));
}

/** What is wrong with a DNS-1123 label. */
export function dns1123LabelErrors(value: string): string[] {
  const errors = tooLong(value, 63);
  if (!labelPattern.test(value)) {
    const message =
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
    errors.push(isSubdomain(value) ? "must not contain dots" : regexText(message, labelFormat, "my-name", "123-abc"));
  }
  return errors;
}

/** What is wrong with a DNS-1123 subdomain, the syntax of most object names. */
export function dns1123SubdomainErrors(value: string): string[] {
  return subdomainErrors(value, "characters");
}

function subdomainErrors(value: string, unit: "characters" | "bytes"): string[] {
  const errors = tooLong(value, 253, unit);
  if (!isSubdomain(value)) {
    const message =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
    errors.push(regexText(message, subdomainFormat, "example.com"));
  }
  return errors;
}

/** What is wrong with a DNS-1035 label, the syntax of Service names and of plurals in a CRD. */
export function dns1035LabelErrors(value: string): string[] {
  const errors = tooLong(value, 63);
  if (!label1035Pattern.test(value)) {
    const message =
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
    errors.push(regexText(message, label1035Format, "my-name", "abc-123"));
  }
  return errors;
}

/** What is wrong with a qualified name: a label or annotation key. */
export function qualifiedNameErrors(value: string): string[] {
  const parts = value.split("/");
  const text = regexText(qualifiedText, qualifiedFormat, "MyName", "my.name", "123-abc");
  if (parts.length > 2)
    return [`a valid label key ${text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const errors: string[] = [];
  const name = parts.at(-1) ?? "";
  const [prefix] = parts;
  if (parts.length === 2 && prefix !== undefined) {
    if (prefix === "") errors.push("prefix part must be non-empty");
    else errors.push(...subdomainErrors(prefix, "bytes").map((error) => `prefix part ${error}`));
  }
  if (name === "") errors.push("name part must be non-empty");
  else errors.push(...tooLong(name, 63, "bytes").map((error) => `name part ${error}`));
  if (!qualifiedPattern.test(name)) errors.push(`name part ${text}`);
  return errors;
}

/** What is wrong with a label's value. */
export function labelValueErrors(value: string): string[] {
  const errors = tooLong(value, 63, "bytes");
  if (value !== "" && !qualifiedPattern.test(value)) {
    const message =
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    errors.push(regexText(message, labelValueFormat, "MyValue", "my_value", "12345"));
  }
  return errors;
}

function tooLong(value: string, length: number, unit: "characters" | "bytes" = "characters"): string[] {
  return value.length <= length / 4 || utf8Length(value) <= length ? [] : [maxLengthText(length, unit)];
}
