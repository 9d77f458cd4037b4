package a

f(x) := x

p if true with f as 1

q if true with foo.bar as 1

r := 1

s if r with data.a.r.x as 2

t if r with walk as 1

u if r with internal.member_2 as 1

v if r with eq as 1

w if r with print as 1

y if r with rego.metadata.rule as 1

---
7:16 rego_type_error: with keyword target must reference existing input, data, or a function
11:13 rego_compile_error: with keyword cannot partially replace virtual document(s)
13:13 rego_compile_error: with keyword replacing built-in function: target must not be a relation
15:13 rego_compile_error: with keyword replacing built-in function: replacement of internal function "internal.member_2" invalid
17:13 rego_compile_error: with keyword replacing built-in function: replacement of "eq" invalid
19:13 rego_compile_error: with keyword replacing built-in function: target must not be a void function
21:13 rego_compile_error: with keyword replacing built-in function: replacement of "rego.metadata.rule" invalid
