package a

p if {
  startswith := 1
  y := startswith("a", "b")
  startswith
}

---
5:8 rego_compile_error: called function startswith shadowed
