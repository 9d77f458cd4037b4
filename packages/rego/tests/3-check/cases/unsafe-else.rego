package a

p := x if {
  x := 1
} else := y if {
  false
}

---
5:11 rego_unsafe_var_error: var y is unsafe
