// Image references as AssignImage sees them: domain, path, and tag or digest with its sign. Each part can be given anew.
// Parts are refused that would be split differently when the result is mutated again.
// Gatekeeper: pkg/mutation/mutators/assignimage/imageparser.go.

import { compileRegex, quote } from "@portcullis/lang/go";

/** The empty text keeps what is there. */
export interface ImageParts {
  readonly domain: string;
  readonly path: string;
  readonly tag: string;
}

export function assignImage(present: string, parts: ImageParts): string {
  const { domain, rest } = splitDomain(present);
  const { path, tag } = splitTag(rest);
  const newDomain = parts.domain === "" ? domain : parts.domain;
  const slash = newDomain === "" ? "" : "/";
  // Joining makes one string, which is written to the patch faster than a chain of parts.
  return [newDomain, slash, parts.path === "" ? path : parts.path, parts.tag === "" ? tag : parts.tag].join("");
}

function splitTag(text: string): { readonly path: string; readonly tag: string } {
  const at = text.search(/[:@]/);
  return at === -1 ? { path: text, tag: "" } : { path: text.slice(0, at), tag: text.slice(at) };
}

/** What stands before the first slash is a domain when it has a dot or a port, or is localhost. */
function splitDomain(text: string): { readonly domain: string; readonly rest: string } {
  const at = text.indexOf("/");
  const lead = text.slice(0, at);
  if (at === -1 || (!/[.:]/.test(lead) && lead !== "localhost")) return { domain: "", rest: text };
  return { domain: lead, rest: text.slice(at + 1) };
}

const isDomain = pattern(String.raw`(^\w[\w\-_]*\.[\w\-_\.]*[\w](:\d+)?$)|(^localhost(:\d+)?$)`);
const isPath = pattern(String.raw`^[a-z0-9]+(([._/]|__|-*)[a-z0-9]+)*$`);
const isTag = pattern(
  String.raw`(^:[\w][\w.-]{0,127}$)|(^@[A-Za-z][A-Za-z0-9]*([-_+.][A-Za-z][A-Za-z0-9]*)*[:][0-9A-Fa-f]{32,}$)`,
);

function pattern(source: string): (text: string) => boolean {
  const compiled = compileRegex(source);
  if ("error" in compiled) throw new Error(compiled.error);
  return (text) => compiled.regex.test(text);
}

/** Gatekeeper's text where the parts cannot be assigned; null where they can. */
export function partsProblem({ domain, path, tag }: ImageParts): string | null {
  if (domain === "" && path === "" && tag === "") {
    return "at least one of [assignDomain, assignPath, assignTag] must be set";
  }
  if (domain !== "" && !isDomain(domain)) {
    return `assignDomain ${quote(domain)} must be a fully-qualified domain name or localhost`;
  }
  if (path !== "" && !isPath(path)) return `assignPath ${quote(path)} must be a valid docker image path`;
  if (tag !== "" && !isTag(tag)) {
    return `assignTag ${quote(tag)} must be a valid docker image tag or digest starting with ':' or '@'`;
  }
  if (domain === "" && splitDomain(path).domain !== "") {
    return `assignDomain must be set if the first part of assignPath ${quote(path)} can be interpretted as part of a domain`;
  }
  return null;
}
