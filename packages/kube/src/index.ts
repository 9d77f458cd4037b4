// Kubernetes data without a cluster.

export {
  type AdmissionOperation,
  type AdmissionProblem,
  type AdmissionRequest,
  type AdmissionResponse,
  admissionReviewOf,
  readAdmissionRequest,
  readAdmissionReview,
} from "./admission.ts";
export {
  type KindCatalog,
  type ResourceInfo,
  builtinCatalog,
  compareVersions,
  guessResource,
  meantKind,
} from "./catalog.ts";
export {
  type FieldError,
  type FieldErrorType,
  Printed,
  aggregateText,
  aggregateTexts,
  byCodePoints,
  duplicate,
  fieldErrorText,
  forbidden,
  goJson,
  invalid,
  required,
  unsupported,
} from "./fielderror.ts";
export {
  type GroupVersion,
  type GroupVersionKind,
  type GroupVersionResource,
  apiVersionOf,
  groupKindKey,
  gvkText,
  parseApiVersion,
} from "./gvk.ts";
export {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  maxLengthText,
  qualifiedNameErrors,
  regexText,
} from "./names.ts";
export {
  type JsonRecord,
  annotationsOf,
  generateNameOf,
  gvkOf,
  isObject,
  labelsOf,
  member,
  nameOf,
  namespaceOf,
  stringAt,
  valueAt,
} from "./object.ts";
export {
  type LabelSelector,
  type LabelSelectorRequirement,
  type Labels,
  type SelectorPredicate,
  compileLabelSelector,
  readLabelSelector,
  validateLabelSelector,
} from "./selector.ts";
export { setOwn } from "./own.ts";
export { type PatchOperation, jsonPatch } from "./patch/diff.ts";
export { type JsonPatchOptions, type JsonPatchResult, applyJsonPatch } from "./patch/json.ts";
export { applyMergePatch } from "./patch/merge.ts";
export { type JsonPatchOperation, readJsonPatch } from "./patch/operation.ts";
export {
  type Quantity,
  type QuantityFormat,
  addQuantities,
  compareQuantities,
  parseQuantity,
  quantityText,
  subtractQuantities,
} from "./quantity.ts";
export { applyDefaults, dropUnwantedNulls } from "./schema/defaults.ts";
export { type DefinitionOptions, definitionErrors } from "./schema/definition.ts";
export { formatCheck } from "./schema/format.ts";
export { type PatternCompiler, re2Patterns } from "./schema/pattern.ts";
export { type UnknownField, pathText, prune, unknownFields } from "./schema/prune.ts";
export { type Schema, readSchema } from "./schema/schema.ts";
export { structuralErrors } from "./schema/structural.ts";
export { type ValidateOptions, validateValue } from "./schema/validate.ts";
export { type UserInfo, readUserInfo, serviceAccountOf } from "./userinfo.ts";
export { type WildcardMatcher, compileGenerateNameWildcard, compileWildcard } from "./wildcard.ts";
export {
  type Document,
  type JsonObject,
  type JsonTree,
  type Path,
  type ScalarOrigin,
  type YamlDialect,
  type YamlOptions,
  parseYaml,
} from "./yaml.ts";
export { resolvePlain } from "./yaml/scalar.ts";
