package a

p if 1 := 2

q if input.x := 2

r if [1, x] := [1, 2]

s if f(1) := 1

t if {"a": "b"} := {"a": 1}

u if {x} := {1}

w if [y | y = 1] := [1]

---
3:6 rego_compile_error: cannot assign to number
5:6 rego_compile_error: cannot assign to ref
7:7 rego_compile_error: cannot assign to number
9:6 rego_compile_error: cannot assign to call
11:12 rego_compile_error: cannot assign to string
13:6 rego_compile_error: cannot assign to set
15:6 rego_compile_error: cannot assign to arraycomprehension
