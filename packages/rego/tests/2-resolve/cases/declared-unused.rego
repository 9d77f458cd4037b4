package a

p if {
  some x, y
  y = 1
}

q if {
  z := [1 | some k]
  z
}

r if every k, v in [1] { v > 0 }

s contains x if {
  some x
  x = 1
}

---
4:3 rego_compile_error: declared var x unused
9:13 rego_compile_error: declared var k unused
13:26 rego_compile_error: declared var k unused
