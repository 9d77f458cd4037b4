package a

p[x] := 1 if x := "a"

p.q.f(x) := 1

---
3:1 rego_type_error: rule data.a.p[x] conflicts with:
  rule data.a.p.q.f at case.rego:5
