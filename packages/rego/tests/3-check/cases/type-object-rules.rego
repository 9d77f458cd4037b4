package a

p[k] := 1 if some k in ["a"]

p[k] := "x" if some k in ["b"]

q := p.c.d

r contains x if some x in [1, 2]

r contains "z"

s if {
  some x in r
  x == null
}

t := p.a + 1

# OPA puts an error about a reference to a rule at the last such reference of the module; we put it where it is.

n2[2] := x if x := input.a

n3 if {
  x = [1]
  n2[x]
}

---
7:6 rego_type_error: undefined ref: data.a.p.c.d
	data.a.p.c.d
	^^^^^^^^^^
	have: any<number, string>
15:3 rego_type_error: match error
	left  : any<number, string>
	right : null
26:3 rego_type_error: undefined ref: data.a.n2[x]
	data.a.n2[x]
	          ^
	          have (type): array<number>
	          want (one of): [2]
