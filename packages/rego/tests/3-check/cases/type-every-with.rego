package a

p if { every x in input { count(x) == 1 } with count as sum }

q if { every x in input { x } with time.now_ns as 7 with abs as f }

f(_) := 1

ok if count(input) == 1 with count as 1

---
5:36 rego_type_error: function time.now_ns used as reference, not called
	time.now_ns
	^^^^^^^^^^^
	have: () => number
5:65 rego_type_error: function data.a.f used as reference, not called
	data.a.f
	^^^^^^^^
	have: (any) => number
- rego_type_error: function abs used as reference, not called
	abs
	^^^
	have: (number) => number
- rego_type_error: function count used as reference, not called
	count
	^^^^^
	have: (any<string, array[any], object[any: any], set[any]>) => number
- rego_type_error: function sum used as reference, not called
	sum
	^^^
	have: (any<array[number], set[number]>) => number
