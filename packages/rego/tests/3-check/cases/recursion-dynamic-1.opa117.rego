package a

p if {
  k := input.k
  data.a[k] == 1
}

---
3:1 rego_recursion_error: rule data.a.p is recursive: data.a.p -> data.a.p
