package a

p := {"x": 1}

p.q := 1

p.r.s := 2

p.r.t contains 1

---
3:1 rego_type_error: rule data.a.p conflicts with [data.a.p.q data.a.p.r.s data.a.p.r.t]
