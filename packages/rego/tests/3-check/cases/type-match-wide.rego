package a

p if {
  x := {"alpha": 1, "beta": [1, 2, 3, "x", true], "gamma": {"delta": "x", "epsilon": {"zeta": 1}}}
  y := {"alpha": 1, "beta": [1, 2, 3, "x", null], "gamma": {"delta": 1, "epsilon": {"zeta": 1}}}
  x == y
}

---
6:3 rego_type_error: match error
	left  : object<beta: array<number, number, number, string, boolean>, gamma: object<delta: string, ...>, ...>
	right : object<beta: array<number, number, number, string, null>, gamma: object<delta: number, ...>, ...>
	hint  : both sides are objects but their types differ, so they can never be equal (see https://www.openpolicyagent.org/docs/errors/rego-type-error/match-error)
