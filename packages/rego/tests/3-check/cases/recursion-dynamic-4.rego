package a

p if {
  some k in {"p", "x"}
  data.a[k] == 1
}

q contains k if {
  k := data.b.z
  data.a[k] == 1
}

---
3:1 rego_recursion_error: rule data.a.p may be recursive: data.a.p -> data.a.p (data.a[k] refers to data.a.p if k is "p" (k is one of {"p", "x"}))
8:1 rego_recursion_error: rule data.a.q may be recursive: data.a.q -> data.a.q (data.a[k] refers to data.a.q if k is "q" (k comes from rule data.b.z, whose value isn't known at compile time))
