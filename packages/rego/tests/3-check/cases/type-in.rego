package a

p if 1 in ["a"]

q if "a", 1 in [1]

r if "k" in {"a": 1}

s if {
  some x in [1]
  x in ["b", null]
}

t if 1 in 2

---
3:6 rego_type_error: match error
	left  : number
	right : string
5:6 rego_type_error: match error
	left  : string
	right : number
7:6 rego_type_error: match error
	left  : string
	right : number
11:3 rego_type_error: match error
	left  : number
	right : any<null, string>
