package a

f(x) := x

g(x, y) := x + y

p if f(1, 2, 3)

q := f()

r := g(1)

s if count([1], 2, 3)

t := count()

u := startswith(input.x)

v := regex.match("a", "b", "c")

---
7:6 rego_type_error: function data.a.f has arity 1, got 3 arguments
9:6 rego_type_error: function data.a.f has arity 1, got 0 arguments
11:6 rego_type_error: function data.a.g has arity 2, got 1 argument
13:6 rego_type_error: count: arity mismatch
	have: (array<number>, number, number)
	want: (collection: any<string, array[any], object[any: any], set[any]>)
15:6 rego_type_error: count: arity mismatch
	have: (???)
	want: (collection: any<string, array[any], object[any: any], set[any]>)
17:6 rego_type_error: startswith: arity mismatch
	have: (any, ???)
	want: (search: string, base: string)
19:6 rego_type_error: regex.match: arity mismatch
	have: (string, string, string, ???)
	want: (pattern: string, value: string)
