// The environment of Kubernetes: libraries, and what admission policies are made of.

export {
  type AdmissionExpressions,
  type AdmissionInput,
  type AdmissionProblem,
  type AdmissionResult,
  type CompiledAdmission,
  compileAdmission,
} from "./admission.ts";
export {
  type AuthorizationAnswer,
  type AuthorizationQuestion,
  type Authorize,
  type ResourceAttributes,
  authorizerOf,
  resourceAuthorizerOf,
} from "./authorizer.ts";
export { inDoubles } from "./doubles.ts";
export { jsonPatchLibrary } from "./jsonpatch.ts";
export { kubernetesLibraries } from "./libraries.ts";
