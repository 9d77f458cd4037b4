package a

p if {
  x := {"a": {"b": 1}}
  x.c
}

q if {
  x := {"a": {"b": 1}}
  x.a.b.c
}

r if {
  x := [1, 2]
  x["a"]
}

s if {
  x := [1, 2]
  x[2]
}

t if {
  y := "abc"
  y[0]
}

u if {
  x := {"a", "b"}
  x[1]
}

v if {
  x := {}
  x.y
}

w if [1, 2][i].x

---
5:3 rego_type_error: undefined ref: x.c
	x.c
	  ^
	  have: "c"
	  want (one of): ["a"]
10:3 rego_type_error: undefined ref: x.a.b.c
	x.a.b.c
	^^^^^
	have: number
15:3 rego_type_error: undefined ref: x.a
	x.a
	  ^
	  have: "a"
	  want (type): number
20:3 rego_type_error: undefined ref: x[2]
	x[2]
	  ^
	  have: 2
	  want (type): number
25:3 rego_type_error: undefined ref: y[0]
	y[0]
	^
	have: string
30:3 rego_type_error: undefined ref: x[1]
	x[1]
	  ^
	  have: 1
	  want (type): string
38:6 rego_type_error: undefined ref: __local7__[i].x
	__local7__[i].x
	^^^^^^^^^^^^^
	have: number
