package a

p if input.x with input as x

q if input.x with input.y as z.a

---
3:6 rego_unsafe_var_error: var x is unsafe
5:30 rego_unsafe_var_error: var z is unsafe
