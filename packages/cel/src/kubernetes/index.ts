// The environment of Kubernetes: libraries, and what admission policies are made of.

export {
  type AdmissionExpressions,
  type AdmissionInput,
  type AdmissionProblem,
  type AdmissionResult,
  type CompiledAdmission,
  compileAdmission,
} from "./admission.ts";
export { inDoubles } from "./doubles.ts";
export { kubernetesLibraries } from "./libraries.ts";
