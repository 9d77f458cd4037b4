package a

p if {
  startswith := 1
  startswith("a", "b")
}

---
5:3 rego_type_error: undefined function startswith
