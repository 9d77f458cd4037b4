package a

p["a"]

q[x] = 1 { x := "b" }

r { p.b }

s { q.b.c }

t = p[1]

# OPA puts an error about a reference to a rule at the last such reference of the module; we put it where it is.

---
9:5 rego_type_error: undefined ref: data.a.q.b.c
	data.a.q.b.c
	^^^^^^^^^^
	have: number
11:5 rego_type_error: undefined ref: data.a.p[1]
	data.a.p[1]
	         ^
	         have: 1
	         want (type): string
