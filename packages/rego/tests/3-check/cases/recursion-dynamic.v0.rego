package a

p { data.a[input.x] }

q {
  k := ["q", "z"][_]
  data.a[k]
}

r {
  k := input.k
  data.a[k] == 1
}

s[k] { data[x][k] }

# Of several cycles through a rule OPA reports any; we report a shortest.

---
3:1 rego_recursion_error: rule data.a.p may be recursive: data.a.p -> data.a.p (data.a[input.x] refers to data.a.p if input.x is "p")
5:1 rego_recursion_error: rule data.a.q may be recursive: data.a.q -> data.a.q (data.a[k] refers to data.a.q if k is "q" (k is one of ["q", "z"]))
10:1 rego_recursion_error: rule data.a.r may be recursive: data.a.r -> data.a.r (data.a[k] refers to data.a.r if k is "r" (k comes from input.k))
15:1 rego_recursion_error: rule data.a.s may be recursive: data.a.s -> data.a.s (data[x][k] refers to data.a.s if k is "s" (k is a key of data.a.s))
