package a

p if {
  x := print(1)
  x
}

---
4:8 rego_type_error: print(1) used as value
