package a

p if {
  k := lower(input.k)
  data.a[k] == 1
}

---
3:1 rego_recursion_error: rule data.a.p may be recursive: data.a.p -> data.a.p (data.a[k] refers to data.a.p if k is "p" (k is computed by lower))
