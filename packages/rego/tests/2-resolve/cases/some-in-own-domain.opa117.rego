package a

p if {
  some x in [x]
}

q if {
  some i, x in {i: x}
}

---
4:3 rego_unsafe_var_error: var x is unsafe
8:3 rego_unsafe_var_error: var i is unsafe
8:3 rego_unsafe_var_error: var x is unsafe
