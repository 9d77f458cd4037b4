package a

p := split("a", "b").x

q := numbers.range(1, 2)[0].a

r := [x | x := input.y][_][1].q

s := time.now_ns().x

---
3:6 rego_type_error: undefined ref: __local1__.x
	__local1__.x
	           ^
	           have: "x"
	           want (type): number
5:6 rego_type_error: undefined ref: __local2__[0].a
	__local2__[0].a
	^^^^^^^^^^^^^
	have: number
9:6 rego_type_error: undefined ref: __local4__.x
	__local4__.x
	^^^^^^^^^^
	have: number
