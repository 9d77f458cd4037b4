package a

p if data[x]

---
3:1 rego_recursion_error: rule data.a.p is recursive: data.a.p -> data.a.p
