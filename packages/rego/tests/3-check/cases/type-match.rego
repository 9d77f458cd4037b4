package a

p if 1 == "a"

q if {
  x := 1
  x == "a"
}

r if [1, 2] == [1]

s if {"a": 1} == {"b": 1}

t if {1, 2} == {"a"}

u if null == false

v if {
  x := {"a": 1, "b": [1, 2]}
  x == {"a": "1", "b": 2}
}

---
3:6 rego_type_error: match error
	left  : number
	right : string
7:3 rego_type_error: match error
	left  : number
	right : string
10:6 rego_type_error: match error
	left  : array<number, number>
	right : array<number>
	hint  : both sides are arrays but their types differ, so they can never be equal (see https://www.openpolicyagent.org/docs/errors/rego-type-error/match-error)
12:6 rego_type_error: match error
	left  : object<a: number>
	right : object<b: number>
	hint  : both sides are objects but their types differ, so they can never be equal (see https://www.openpolicyagent.org/docs/errors/rego-type-error/match-error)
14:6 rego_type_error: match error
	left  : set[number]
	right : set[string]
	hint  : both sides are sets but their types differ, so they can never be equal (see https://www.openpolicyagent.org/docs/errors/rego-type-error/match-error)
16:6 rego_type_error: match error
	left  : null
	right : boolean
20:3 rego_type_error: match error
	left  : object<a: number, b: array<number, number>>
	right : object<a: string, b: number>
	hint  : both sides are objects but their types differ, so they can never be equal (see https://www.openpolicyagent.org/docs/errors/rego-type-error/match-error)
