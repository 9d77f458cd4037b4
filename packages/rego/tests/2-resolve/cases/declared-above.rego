package a

p if {
  some x
  x := 2
}

q if {
  some x, x
  x = 1
}

---
5:3 rego_compile_error: var x declared above
9:3 rego_compile_error: var x declared above
