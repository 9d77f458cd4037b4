// Go's standard library, as far as its behaviour shows in verdicts and messages.

export { type Base64Alphabet, decodeBase64, encodeBase64, rawUrlBase64, standardBase64, urlBase64 } from "./base64.ts";
export {
  type CivilDate,
  type Clock,
  civilFromDays,
  clockOfSeconds,
  daysFromCivil,
  secondsPerDay,
  weekdayNames,
  weekdayOfDays,
} from "./calendar.ts";
export {
  type Address,
  type Network,
  addressOfBigInt,
  addressText,
  addressToBigInt,
  fourBytes,
  lastAddress,
  maskAddress,
  networkContains,
  networkText,
  parseAddress,
  parseCidr,
  sixteenBytes,
} from "./cidr.ts";
export { complement, posixClasses, union } from "./charset.ts";
export { namedLayouts } from "./layout.ts";
export {
  type BigFloat,
  addFloats,
  bigFloatOf,
  bigFloatText,
  divideFloats,
  isIntegral,
  multiplyFloats,
  parseBigFloat,
  subtractFloats,
  truncateFloat,
} from "./bigfloat.ts";
export { canBackquote, isPrint, quote, quoteRune, quoteToAscii, runeText } from "./quote.ts";
export {
  type Charge,
  type Formatter,
  GoFloat,
  type IntegerType,
  type Operand,
  compileFormat,
  sprintf,
} from "./sprintf.ts";
export { type FloatVerb, type ParsedFloat, formatFloat, parseFloatText } from "./strconv.ts";
export { type ZonedTime, formatTime, secondsFromCivil } from "./time.ts";
export { toLower, toUpper } from "./stringcase.ts";
export { type Moment, parseTime, parseZonedTime } from "./timeparse.ts";
export { type ParsedUrl, encodeQuery, parseQuery, parseUrl, queryEscape, queryUnescape } from "./url.ts";
export { decodeUtf8, encodeUtf8, isValidUtf8, utf8Length } from "./utf8.ts";
export { durationText, parseDuration } from "./duration.ts";
export { decodeJson, encodeText } from "./json.ts";
export { type Search, searchFor } from "./search.ts";
export type { Ranges } from "./automaton.ts";
export { containsWildcard, matchesWildcard } from "./wildcard.ts";
export { type CompiledGlob, type Glob, compileGlob, quoteGlob } from "./glob.ts";
export { type Intersection, globsIntersect } from "./globintersect.ts";
export { type CompiledRegex, type MatchOffsets, type Regex, compileRegex } from "./re2.ts";
export { groupText, quoteMeta, replaceByRegex, splitByRegex } from "./regexp.ts";
export { type SemanticVersion, compareSemver, parseSemver } from "./semver.ts";
export { type UrlParts, type WholeUrl, urlParts } from "./urlparts.ts";
export { Asn1Reader, type Element } from "./x509/asn1.ts";
export { type Certificate, readCertificate, readCertificates } from "./x509/certificate.ts";
export type { NameConstraints, Subtrees as NameSubtrees } from "./x509/constraints.ts";
export {
  type Curve,
  bytesOfInteger,
  curves,
  ed25519PublicKey,
  integerOfBytes,
  inverse,
  modulo,
  publicPoint,
  x25519PublicKey,
} from "./x509/curves.ts";
export { DerReader, tags as derTags } from "./x509/der.ts";
export type { JsonObject as X509Json } from "./x509/json.ts";
export { type Mailbox, parseMailbox } from "./x509/mailbox.ts";
export { Malformed as MalformedX509 } from "./x509/malformed.ts";
export { type PemBlock, decodePem, pemBlocks } from "./x509/pem.ts";
export type { PublicKey } from "./x509/publickey.ts";
export { readRequest as readCertificateRequest } from "./x509/request.ts";
