package a

p := f(g(h(1)))

f(x) := x

g(x) := x.y.z if x.y > 1

q := g("a")

---
3:10 rego_type_error: undefined function h
