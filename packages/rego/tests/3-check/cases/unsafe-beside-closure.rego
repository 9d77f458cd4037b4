package a

p if {
  not [x | x = input.l[x]] == [z, x]
  x = input[x]
}

# OPA accepts this, and z has no value when the rule is evaluated.

---
4:3 rego_unsafe_var_error: var z is unsafe
