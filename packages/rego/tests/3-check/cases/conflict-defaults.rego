package a

default p := 1

default p := 2

default f(_) := 1

default f(_) := 2

---
1:1 rego_type_error: multiple default rules data.a.f found at case.rego:7, case.rego:9
1:1 rego_type_error: multiple default rules data.a.p found at case.rego:3, case.rego:5
