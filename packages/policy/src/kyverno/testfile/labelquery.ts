// The label selector of a list's URL (`?labelSelector=app=web,tier!=db`), in the words of kubectl: `key=value`, `==`, `!=`, a key
// that is there, `!key`, `key in (a, b)`, `key notin (a, b)`. Kubernetes: apimachinery pkg/labels/selector.go Parse.

import type { Labels } from "@portcullis/kube";

type Matches = (labels: Labels) => boolean;

/** What a URL's query selects; an error for parameters other than `labelSelector`, and for terms that are none. */
export function readLabelQuery(query: string): Matches | { readonly error: string } {
  const terms: Matches[] = [];
  for (const parameter of query.split("&")) {
    const [name = "", ...rest] = parameter.split("=");
    if (name !== "labelSelector")
      return { error: `objects at hand are selected by labelSelector alone, not by ${name}` };
    for (const text of splitTerms(decoded(rest.join("=")))) {
      const term = readTerm(text);
      if (term === null) return { error: `unable to parse the term ${JSON.stringify(text)} of the label selector` };
      terms.push(term);
    }
  }
  return (labels) => terms.every((term) => term(labels));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

/** Commas between brackets part values, others terms. */
function splitTerms(text: string): readonly string[] {
  return (text.match(/(?:[^,()]|\([^()]*\))+/g) ?? []).map((term) => term.trim());
}

function readTerm(text: string): Matches | null {
  const [, key = "", operator = "", list = ""] = /^([^\s!=()]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text) ?? [];
  if (key !== "") {
    const values = new Set(list.split(",").map((value) => value.trim()));
    return (labels) => values.has(labels[key] ?? NONE) === (operator === "in");
  }
  const [, left = "", sign = "", right = ""] = /^([^\s!=()]+)\s*(!=|==|=)\s*([^\s!=()]*)$/.exec(text) ?? [];
  if (left !== "") return (labels) => (labels[left] === right) === (sign !== "!=");
  const [, not, name = ""] = /^(!?)([^\s!=()]+)$/.exec(text) ?? [];
  return name === "" ? null : (labels) => (labels[name] !== undefined) === (not === "");
}

/** No label has this value. */
const NONE = "\0";
