package a

p if {
  x := 1
  some x in [1]
}

---
5:3 rego_compile_error: var x assigned above
