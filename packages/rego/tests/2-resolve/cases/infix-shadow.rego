package a

plus(x) := x

p := 1 + 2

q := 3 - 1

---
5:6 rego_type_error: function data.a.plus has arity 1, got 2 arguments
