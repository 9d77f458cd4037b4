package a

p if {
  y = x
  x := 2
  y == 2
}

---
5:3 rego_compile_error: var x referenced above
