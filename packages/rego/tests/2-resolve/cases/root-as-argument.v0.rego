package a

f(input) := 1

g([x, data]) := x

---
3:1 rego_compile_error: args must not shadow input (use a different variable name)
5:1 rego_compile_error: args must not shadow data (use a different variable name)
