package a

p if {
  count(x, y)
  y > 1
}

q if {
  plus(1, x, 3)
}

---
4:3 rego_unsafe_var_error: var x is unsafe
4:3 rego_unsafe_var_error: var y is unsafe
9:3 rego_unsafe_var_error: var x is unsafe
