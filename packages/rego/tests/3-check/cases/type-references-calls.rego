package a

p := split("a", "b").x

q := numbers.range(1, 2)[0].a

r := [x | x := input.y][_][1].q

s := time.now_ns().x

---
3:6 rego_type_error: undefined ref: split("a", "b").x
	split("a", "b").x
	                ^
	                have: "x"
	                want (type): number
5:6 rego_type_error: undefined ref: numbers.range(1, 2)[0].a
	numbers.range(1, 2)[0].a
	^^^^^^^^^^^^^^^^^^^^^^
	have: number
9:6 rego_type_error: undefined ref: time.now_ns().x
	time.now_ns().x
	^^^^^^^^^^^^^
	have: number
