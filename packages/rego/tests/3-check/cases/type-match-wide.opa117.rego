package a

p if {
  x := {"alpha": 1, "beta": [1, 2, 3, "x", true], "gamma": {"delta": "x", "epsilon": {"zeta": 1}}}
  y := {"alpha": 1, "beta": [1, 2, 3, "x", null], "gamma": {"delta": 1, "epsilon": {"zeta": 1}}}
  x == y
}

---
6:3 rego_type_error: match error
	left  : object<alpha: number, beta: array<number, number, number, string, boolean>, gamma: object<delta: string, epsilon: object<zeta: number>>>
	right : object<alpha: number, beta: array<number, number, number, string, null>, gamma: object<delta: number, epsilon: object<zeta: number>>>
