package a

f(x) = y { y := x }

p { f := 1; f(2) }

q { g(1) }

---
5:13 rego_type_error: undefined function f
7:5 rego_type_error: undefined function g
