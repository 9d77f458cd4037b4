package a

p if {
  [x | x := count(y)] == z
}

q if input[count(x)] = 1

---
4:3 rego_unsafe_var_error: var z is unsafe
7:12 rego_unsafe_var_error: var x is unsafe
