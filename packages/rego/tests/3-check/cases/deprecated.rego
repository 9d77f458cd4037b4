package a

p := all([true])

q if re_match("a", "b")

r := net.cidr_overlap("a", "b")

s := any([true])

---
3:6 rego_type_error: deprecated built-in function calls in expression: all
5:6 rego_type_error: deprecated built-in function calls in expression: re_match
7:6 rego_type_error: deprecated built-in function calls in expression: net.cidr_overlap
9:6 rego_type_error: deprecated built-in function calls in expression: any
