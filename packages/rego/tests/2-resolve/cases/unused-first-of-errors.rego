package a

p if {
  some x
  y := 1
  y := 2
}

---
6:3 rego_compile_error: var y assigned above
