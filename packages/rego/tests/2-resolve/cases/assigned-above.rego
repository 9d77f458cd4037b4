package a

p if {
  x := 1
  x := 2
}

---
5:3 rego_compile_error: var x assigned above
