package a

f(x, y) := x

p := f(1)

---
5:6 rego_type_error: function data.a.f has arity 2, got 1 argument
