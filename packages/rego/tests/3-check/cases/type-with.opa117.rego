package a

f(x) := 1

p if f(1) with data.a.f as upper

q if f(1) with data.a.f as concat

r if count([1]) with count as data.a.f

s if count([1]) with count as data.a.g

g(x, y) := 1

t := 1

u if t == "a" with data.a.t as "a"

v := t + 1

w if v == "b" with data.a.t as input.x

---
7:11 rego_type_error: data.a.f: arity mismatch
	have: (string, any<array[string], set[string]>)
	want: (any)
11:17 rego_type_error: count: arity mismatch
	have: (any, any)
	want: (collection: any<string, array[any], object[any: any], set[any]>)
17:6 rego_type_error: match error
	left  : number
	right : string
21:6 rego_type_error: match error
	left  : number
	right : string
