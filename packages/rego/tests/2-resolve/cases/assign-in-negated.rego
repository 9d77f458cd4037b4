package a

p if {
  not x := 1
}

---
4:3 rego_compile_error: cannot assign vars inside negated expression
