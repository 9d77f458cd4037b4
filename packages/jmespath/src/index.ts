export { type Comparator, type Entry, type Node, childrenOf } from "./ast.ts";
export { type Expression, compile } from "./compile.ts";
export type { Dialect } from "./dialect.ts";
export type { ArgumentType, Engine, JmesFunction } from "./functions/function.ts";
export { standardFunctions } from "./functions/standard.ts";
export { type Evaluate, type Outcome, type Run, SearchError, type SearchErrorKind } from "./runtime/run.ts";
export { GoInteger, Reference, type Value, type ValueList, type ValueObject, isFalse } from "./runtime/value.ts";
export { standard } from "./standard.ts";
