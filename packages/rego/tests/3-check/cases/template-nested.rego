package a

p := $"{$"{x}"}"

---
3:9 rego_unsafe_var_error: var x is unsafe
