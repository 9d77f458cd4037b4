package a

p if {
  print(x + 1, input.y)
}

q if {
  xs := [x | x := 1; print(x, z)]
  xs
}

---
4:9 rego_compile_error: var x is undeclared
8:31 rego_compile_error: var z is undeclared
