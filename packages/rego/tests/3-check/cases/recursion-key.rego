package a

p[k] := v if {
  some k in ["x"]
  v := data.a[k]
}

q contains k if {
  some k, v in data.a
  v
}

---
8:1 rego_recursion_error: rule data.a.q may be recursive: data.a.q -> data.a.q (data.a[k] refers to data.a.q if k is "q" (k is a key of data.a.q))
