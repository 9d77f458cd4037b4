package a

p if {
  x := input.x
  upper(x)
  x > 1
  abs(x, "a")
}

q if {
  some x in [1, 2]
  startswith(x, "a")
}

r if {
  xs := [x | x := 1]
  concat(",", xs)
}

f(x) := x + 1

s := f("a")

t := upper(f(1))

u := count(f)

---
7:3 rego_type_error: abs: invalid argument(s)
	have: (any, string)
	want: (x: number, y: number)
12:3 rego_type_error: startswith: invalid argument(s)
	have: (number, string)
	want: (search: string, base: string, result: boolean)
17:3 rego_type_error: concat: invalid argument(s)
	have: (string, array[number])
	want: (delimiter: string, collection: any<array[string], set[string]>, output: string)
22:6 rego_type_error: data.a.f: invalid argument(s)
	have: (string, ???)
	want: (number, number)
24:6 rego_type_error: upper: invalid argument(s)
	have: (number, ???)
	want: (x: string, y: string)
26:6 rego_type_error: count: invalid argument(s)
	have: ((number) => number, ???)
	want: (collection: any<...>, n: number)
26:12 rego_type_error: function data.a.f used as reference, not called
	data.a.f
	^^^^^^^^
	have: (number) => number
