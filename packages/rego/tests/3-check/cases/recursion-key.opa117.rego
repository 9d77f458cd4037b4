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
3:1 rego_recursion_error: rule data.a.p[__local2__] is recursive: data.a.p[__local2__] -> data.a.p[__local2__]
8:1 rego_recursion_error: rule data.a.q is recursive: data.a.q -> data.a.q
