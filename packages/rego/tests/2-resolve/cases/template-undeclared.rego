package a

p := $"{x + 1}"

q := $"{walk(input)}"

# OPA reports the second of these, and others in template strings, without a place.

---
3:9 rego_compile_error: var x is undeclared
5:9 rego_compile_error: illegal call to relation built-in 'walk' that may cause multiple outputs
