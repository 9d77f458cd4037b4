package a

p if {
  y = x
  x := 2
  y == 2
}

q if {
  y := $"{[z]}"
  z := 1
}

---
5:3 rego_compile_error: var x referenced above
11:3 rego_compile_error: var z referenced above
