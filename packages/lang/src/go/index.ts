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
export { namedLayouts } from "./layout.ts";
export { quote } from "./quote.ts";
export { type ZonedTime, formatTime, secondsFromCivil } from "./time.ts";
export { type Moment, parseTime } from "./timeparse.ts";
export { type ParsedUrl, encodeQuery, parseQuery, parseUrl, queryEscape, queryUnescape } from "./url.ts";
export { decodeUtf8, encodeUtf8, isValidUtf8, utf8Length } from "./utf8.ts";
