package a

f(input.x) := 1

g(x[input]) := 1

---
5:1 rego_compile_error: args must not shadow input (use a different variable name)
