export { type Expression, compile } from "../compile.ts";
export type { Dialect } from "../dialect.ts";
export { type Outcome, type Run, SearchError, type SearchErrorKind } from "../runtime/run.ts";
export { GoInteger, Reference, type Value, type ValueList, type ValueObject, isFalse } from "../runtime/value.ts";
export { type KyvernoOptions, kyvernoDialect, makeKyvernoDialect } from "./dialect.ts";
export { type ImageInfo, type ImageSettings, defaultImageSettings, parseImage } from "./image.ts";
