package a

f(k) if data.a[k] == 1

q := f("q")

---
3:1 rego_recursion_error: rule data.a.f may be recursive: data.a.f -> data.a.f (data.a[k] refers to data.a.f if k is "f" (k is an argument of data.a.f))
5:1 rego_recursion_error: rule data.a.q may be recursive: data.a.q -> data.a.f -> data.a.q (data.a[k] in data.a.f refers to data.a.q if k is "q" (k is an argument of data.a.f))
