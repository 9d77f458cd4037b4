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
export { type Charge, type Formatter, GoFloat, type Operand, compileFormat, sprintf } from "./sprintf.ts";
export { type FloatVerb, type ParsedFloat, formatFloat, parseFloatText } from "./strconv.ts";
export { type ZonedTime, formatTime, secondsFromCivil } from "./time.ts";
export { toLower, toUpper } from "./stringcase.ts";
export { type Moment, parseTime, parseZonedTime } from "./timeparse.ts";
export { type ParsedUrl, encodeQuery, parseQuery, parseUrl, queryEscape, queryUnescape } from "./url.ts";
export { decodeUtf8, encodeUtf8, isValidUtf8, utf8Length } from "./utf8.ts";
export { durationText, parseDuration } from "./duration.ts";
export type { Ranges } from "./automaton.ts";
export { type CompiledGlob, type Glob, compileGlob, quoteGlob } from "./glob.ts";
export { type Intersection, globsIntersect } from "./globintersect.ts";
export { type CompiledRegex, type MatchOffsets, type Regex, compileRegex } from "./re2.ts";
export { groupText, quoteMeta, replaceByRegex, splitByRegex } from "./regexp.ts";
export { type SemanticVersion, compareSemver, parseSemver } from "./semver.ts";
