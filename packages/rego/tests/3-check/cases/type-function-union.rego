package a

f(x) := 1 if x == "a"

f(x) := "b" if x == 2

p := upper(f(1))

q := f([1])

r := f(null)

---
9:6 rego_type_error: data.a.f: invalid argument(s)
	have: (array<number>, ???)
	want: (any<number, string>, any<number, string>)
11:6 rego_type_error: data.a.f: invalid argument(s)
	have: (null, ???)
	want: (any<number, string>, any<number, string>)
