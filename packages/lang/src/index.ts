export { Budget, LimitError, type LimitName, type Limits, limitOf } from "./budget.ts";
export {
  type AnyNumber,
  Decimal,
  compareNumbers,
  exponentMax,
  integerOf,
  numberOf,
  numberOfInteger,
  numberText,
} from "./decimal.ts";
export {
  type Diagnostic,
  type Note,
  type Out,
  type Severity,
  errorAt,
  formatDiagnostic,
  hasError,
  warningAt,
} from "./diagnostic.ts";
export { boundExtent, chargeExtent, extentOf } from "./extent.ts";
export { chargeJson, needsDecimals, parseJson, valuesIn } from "./json.ts";
export { type Pieces, createPieces } from "./pieces.ts";
export { type Position, Source, type Span, spanOf, spanText } from "./source.ts";
export { type Answer, type Host, type Need, type SignatureKey, type Signatures, Suspend, type World } from "./world.ts";
