package a

p if foo(1)

q := bar.baz(1)

r if data.a.nope(1)

s if {
  x := 1
  x.y(2)
}

t := p(1)

---
3:6 rego_type_error: undefined function foo
5:6 rego_type_error: undefined function bar.baz
7:6 rego_type_error: undefined function data.a.nope
11:3 rego_type_error: undefined function x.y
14:6 rego_type_error: function data.a.p has arity 0, got 1 argument
