export { type Compiled, type Refusal, compile } from "./compile.ts";
export { type Dialect, kubernetes136, kubernetesOnCelGo30 } from "./dialect.ts";
export { type Environment, type EnvironmentOptions, createEnvironment } from "./environment.ts";
export { comprehensionsLibrary } from "./library/comprehensions.ts";
export { encodersLibrary } from "./library/encoders.ts";
export { listsLibrary } from "./library/lists.ts";
export { mathLibrary } from "./library/math.ts";
export { optionalsLibrary } from "./library/optionals.ts";
export { setsLibrary } from "./library/sets.ts";
export { standardLibrary } from "./library/standard.ts";
export { stringsLibrary } from "./library/strings.ts";
export type { Library, Overload, StructType } from "./library.ts";
export type { Outcome, Program, ReadVariable, Run, ZoneOffset } from "./program.ts";
export {
  CelError,
  CelMap,
  Double,
  Duration,
  Opaque,
  Optional,
  StructValue,
  Timestamp,
  type Tree,
  TypeValue,
  Uint,
  type Value,
  doubleOf,
  intOf,
  isMap,
} from "./runtime/value.ts";
export { typeName } from "./runtime/valuetype.ts";
export * as types from "./types.ts";
export { type Type, typeText } from "./types.ts";
