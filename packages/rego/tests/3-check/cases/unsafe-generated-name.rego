package a

p := __local0__

# OPA takes this for a name of its own and accepts it.

---
3:6 rego_unsafe_var_error: var __local0__ is unsafe
