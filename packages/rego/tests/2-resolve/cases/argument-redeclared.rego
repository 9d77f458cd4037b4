package a

f(x) if {
  x := 2
}

g(x) if {
  some x
  x = 1
}

---
4:3 rego_compile_error: arg x redeclared
8:3 rego_compile_error: arg x redeclared
