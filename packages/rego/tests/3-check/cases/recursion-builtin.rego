package a

p if {
  k := count(input.x)
  data.a[k]
}

q if {
  k := ["a", "b", "c", "d", "e", "q"][input.i]
  data.a[k]
}

---
3:1 rego_recursion_error: rule data.a.p may be recursive: data.a.p -> data.a.p (data.a[k] could refer to data.a.p)
8:1 rego_recursion_error: rule data.a.q may be recursive: data.a.q -> data.a.q (data.a[k] refers to data.a.q if k is "q" (k is one of 6 values))
