package a

p.q.r := 1

p.q.s := "a"

t := p.q.r.x

u if p.q.z

v if p.w

x[a].b := 1 if some a in ["c", "d"]

y := x.c.b.d

z := x.c.e

# OPA puts an error about a reference to a rule at the last such reference of the module; we put it where it is.

---
7:6 rego_type_error: undefined ref: data.a.p.q.r.x
	data.a.p.q.r.x
	^^^^^^^^^^^^
	have: number
15:6 rego_type_error: undefined ref: data.a.x.c.b.d
	data.a.x.c.b.d
	^^^^^^^^^^^^
	have: number
