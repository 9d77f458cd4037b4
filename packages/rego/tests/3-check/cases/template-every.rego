package a

p if {
  every x in {"a", $"{x}"} { x != "b" }
}

---
4:3 rego_unsafe_var_error: var x is unsafe
