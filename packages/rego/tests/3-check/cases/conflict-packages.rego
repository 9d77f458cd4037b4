== a.rego
package a.b

c := 1

d.e := 2

f(x) := x

== b.rego
package a.b.c

x := 1

== c.rego
package a.b.d.e.f

x := 1

p := data.a.b.f(1, 2)

== d.rego
package a.b

c contains 1

f(x, y) := 2

q if data.a.b[x].z

---
1:1 rego_type_error: package a.b.c conflicts with rule c defined at a.rego:3
3:1 rego_type_error: rule data.a.b.c conflicts with:
  rule data.a.b.c.x at b.rego:3
5:1 rego_type_error: rule data.a.b.d.e conflicts with:
  rule data.a.b.d.e.f.p at c.rego:5
  rule data.a.b.d.e.f.x at c.rego:3
7:1 rego_type_error: conflicting rules data.a.b.f found
1:1 rego_type_error: package a.b.c conflicts with rule c defined at d.rego:3
