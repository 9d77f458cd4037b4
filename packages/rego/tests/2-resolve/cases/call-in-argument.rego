package a

f(count([1])) := 1

---
3:3 rego_compile_error: rule arguments cannot contain calls
