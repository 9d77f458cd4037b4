package a

p := {"a": 1}

q if p.b

r contains "x"

s if r[1]

t := data.a.p.a.z

f(x) := 1

u := f

v if data.a.f.x

w if data.a[1]

x[k] := 2 if k := "z"

y if x[2]

z := x.z.w

# OPA puts an error about a reference to a rule at the last such reference of the module; we put it where it is.

---
5:6 rego_type_error: undefined ref: data.a.p.b
	data.a.p.b
	         ^
	         have: "b"
	         want (one of): ["a"]
9:6 rego_type_error: undefined ref: data.a.r[1]
	data.a.r[1]
	         ^
	         have: 1
	         want (type): string
11:6 rego_type_error: undefined ref: data.a.p.a.z
	data.a.p.a.z
	^^^^^^^^^^
	have: number
15:6 rego_type_error: function data.a.f used as reference, not called
	data.a.f
	^^^^^^^^
	have: (any) => number
17:6 rego_type_error: function data.a.f.x used as reference, not called
	data.a.f.x
	^^^^^^^^
	have: (any) => number
19:6 rego_type_error: undefined ref: data.a[1]
	data.a[1]
	       ^
	       have (type): number
	       want (one of): ["f" "p" "q" "r" "s" "t" "u" "v"]
23:6 rego_type_error: undefined ref: data.a.x[2]
	data.a.x[2]
	         ^
	         have: 2
	         want (type): string
25:6 rego_type_error: undefined ref: data.a.x.z.w
	data.a.x.z.w
	^^^^^^^^^^
	have: number
