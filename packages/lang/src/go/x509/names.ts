// Distinguished names: the attributes that Go knows by name, and all of them in order.
// Go: crypto/x509/parser.go parseName, parseASN1String; crypto/x509/pkix/pkix.go FillFromRDNSequence.

import { decodeUtf8, isValidUtf8 } from "../utf8.ts";
import { ucs2 } from "./asn1.ts";
import { DerReader, tags } from "./der.ts";
import { type Json, orNull } from "./json.ts";
import { Malformed, must } from "./malformed.ts";

/** Attributes below 2.5.4 that have a field; those with a list keep every value, the others the last. */
const listed: ReadonlyMap<number, string> = new Map([
  [6, "Country"],
  [10, "Organization"],
  [11, "OrganizationalUnit"],
  [7, "Locality"],
  [8, "Province"],
  [9, "StreetAddress"],
  [17, "PostalCode"],
]);
const single: ReadonlyMap<number, string> = new Map([
  [5, "SerialNumber"],
  [3, "CommonName"],
]);

/** Go's pkix.Name of a DER name, as JSON. */
export function readName(der: Uint8Array): Json {
  return nameJson(attributesOf(der));
}

/** Go's pkix.Name of its attributes; a value that is no text has no field of its own. */
export function nameJson(attributes: readonly { readonly arcs: readonly number[]; readonly value: Json }[]): Json {
  const names: Json[] = [];
  const lists = new Map<string, Json[]>();
  const texts = new Map<string, string>();
  for (const { arcs, value } of attributes) {
    names.push({ Type: arcs, Value: value });
    if (typeof value !== "string") continue;
    if (arcs.length !== 4 || arcs[0] !== 2 || arcs[1] !== 5 || arcs[2] !== 4) continue;
    const [list, text] = [listed.get(arcs[3] ?? 0), single.get(arcs[3] ?? 0)];
    if (list !== undefined) lists.set(list, [...(lists.get(list) ?? []), value]);
    if (text !== undefined) texts.set(text, value);
  }
  return {
    ...Object.fromEntries([...listed.values()].map((name) => [name, orNull(lists.get(name) ?? [])])),
    ...Object.fromEntries([...single.values()].map((name) => [name, texts.get(name) ?? ""])),
    Names: orNull(names),
    ExtraNames: null,
  };
}

interface Attribute {
  readonly arcs: readonly number[];
  readonly value: string;
}

function attributesOf(der: Uint8Array): readonly Attribute[] {
  const attributes: Attribute[] = [];
  const sequence = must(new DerReader(der).enter(tags.sequence), "x509: invalid RDNSequence");
  while (!sequence.isEmpty) {
    const set = must(sequence.enter(tags.set), "x509: invalid RDNSequence");
    while (!set.isEmpty) {
      const pair = must(set.enter(tags.sequence), "x509: invalid RDNSequence: invalid attribute");
      const arcs = must(pair.objectIdentifier(), "x509: invalid RDNSequence: invalid attribute type");
      const { tag, content } = must(pair.any(), "x509: invalid RDNSequence: invalid attribute value");
      attributes.push({ arcs, value: readText(tag, content) });
    }
  }
  return attributes;
}

/** Text of any of ASN.1's string types. */
function readText(tag: number, content: Uint8Array): string {
  const latin = Array.from(content, (byte) => String.fromCharCode(byte)).join("");
  switch (tag) {
    case tags.t61String:
      return latin;
    case tags.printableString:
      return checked(latin, /^[A-Za-z0-9 '()+,\-./:=?*&]*$/, "PrintableString");
    case tags.utf8String:
      if (!isValidUtf8(content)) throw new Malformed(`${prefix}invalid UTF-8 string`);
      return decodeUtf8(content);
    case tags.bmpString:
      return bmpText(content);
    case tags.ia5String:
      // oxlint-disable-next-line no-control-regex -- ASCII is what is asked for
      return checked(latin, /^[\u0000-\u007f]*$/, "IA5String");
    case tags.numericString:
      return checked(latin, /^[0-9 ]*$/, "NumericString");
    default:
      throw new Malformed(`${prefix}unsupported string type: ${tag}`);
  }
}

const prefix = "x509: invalid RDNSequence: invalid attribute value: ";

function checked(text: string, allowed: RegExp, type: string): string {
  if (!allowed.test(text)) throw new Malformed(`${prefix}invalid ${type}`);
  return text;
}

function bmpText(content: Uint8Array): string {
  try {
    return ucs2(content);
  } catch (error) {
    throw error instanceof Malformed ? new Malformed(`${prefix}${error.message}`) : error;
  }
}
