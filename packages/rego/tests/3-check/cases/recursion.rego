package a

p if q

q if r

r if p

f(x) := g(x)

g(x) := f(x)

s contains x if s[x]

t := 1 if false else := t

---
3:1 rego_recursion_error: rule data.a.p is recursive: data.a.p -> data.a.q -> data.a.r -> data.a.p
5:1 rego_recursion_error: rule data.a.q is recursive: data.a.q -> data.a.r -> data.a.p -> data.a.q
7:1 rego_recursion_error: rule data.a.r is recursive: data.a.r -> data.a.p -> data.a.q -> data.a.r
9:1 rego_recursion_error: rule data.a.f is recursive: data.a.f -> data.a.g -> data.a.f
11:1 rego_recursion_error: rule data.a.g is recursive: data.a.g -> data.a.f -> data.a.g
13:1 rego_recursion_error: rule data.a.s is recursive: data.a.s -> data.a.s
15:17 rego_recursion_error: rule data.a.t is recursive: data.a.t -> data.a.t
