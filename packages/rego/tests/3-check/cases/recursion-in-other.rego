package a

p if q

q if {
  some k
  data.a[k] == 1
  k == "z"
}

# Of several cycles through a rule OPA reports any; we report a shortest.

---
3:1 rego_recursion_error: rule data.a.p is recursive: data.a.p -> data.a.q -> data.a.p
5:1 rego_recursion_error: rule data.a.q is recursive: data.a.q -> data.a.q
