// Three programs evaluate CEL for Kubernetes, with different versions of cel-go and different libraries; these are the
// differences that users can see. reference: cel-go 0.26 in kube-apiserver 1.36, 0.30 in Gatekeeper 3.23 and Kyverno 1.19.

export interface Dialect {
  /** cel-go's minor version: 26 or 30. */
  readonly celGo: 26 | 30;
  /** List and map literals must hold one type. */
  readonly homogeneousLiterals: boolean;
  /** Literals of regexes, durations and timestamps are looked at when an expression is compiled. */
  readonly validatesLiterals: boolean;
  /** `x.orValue(y)` gives x where x is no optional. */
  readonly orValueOfAnything: boolean;
}

/** kube-apiserver 1.36. */
export const kubernetes136: Dialect = {
  celGo: 26,
  homogeneousLiterals: true,
  validatesLiterals: true,
  orValueOfAnything: true,
};

/** The Kubernetes environment on cel-go 0.30: Gatekeeper, and Kyverno's `validate.cel`. */
export const kubernetesOnCelGo30: Dialect = { ...kubernetes136, celGo: 30, orValueOfAnything: false };
