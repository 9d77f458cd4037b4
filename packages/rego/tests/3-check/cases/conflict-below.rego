package a

p := {"x": 1}

p.q := 1

p.r.s := 2

p.r.t contains 1

---
3:1 rego_type_error: rule data.a.p conflicts with:
  rule data.a.p.q at case.rego:5
  rule data.a.p.r.s at case.rego:7
  rule data.a.p.r.t at case.rego:9
