export type * from "./ast.ts";
export { type Builtin, type BuiltinCall, operandError, operandFailure } from "./builtins/builtin.ts";
export type { HttpAnswer } from "./builtins/http.ts";
export { builtins, lookup } from "./builtins/registry.ts";
export { compile, compileToChecked } from "./compile.ts";
export { opaErrors, parseErrors } from "./errortext.ts";
export {
  type Bindings,
  type Compile,
  type CompileRequest,
  type Evaluation,
  type Load,
  type Program,
  RegoError,
  type RegoText,
  type TraceEvent,
} from "./program.ts";
export { type ParseOptions, parseModule, parseQuery } from "./1-parse/parser.ts";
export { compare } from "./runtime/compare.ts";
export { format } from "./runtime/format.ts";
export { chargeText } from "./runtime/extent.ts";
export { toJson } from "./runtime/tojson.ts";
export {
  equals,
  isObject,
  type PlainObject,
  RegoObject,
  RegoSet,
  typeName,
  type TypeName,
  type Value,
} from "./runtime/value.ts";
export { exprText, termText } from "./termtext.ts";
export { type FunctionType, t, type Type } from "./types.ts";
export {
  type Node,
  rewriteBody,
  rewriteExpr,
  rewriteModule,
  type Rewriter,
  rewriteRule,
  rewriteTerm,
  type Visitor,
  walk,
} from "./visit.ts";
