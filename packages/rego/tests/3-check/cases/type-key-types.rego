package a

p if {
  x := {1: "a", true: "b", [1]: "c"}
  x["z"]
}

q if {
  x := {"a b": 1, "c": {"d": 2}}
  x["a c"].d
}

r if {
  some k
  x := {"a": 1}
  x[k] == 1
  k == 2
}

---
5:3 rego_type_error: undefined ref: x.z
	x.z
	  ^
	  have: "z"
	  want (one of): [true 1 [1]]
10:3 rego_type_error: undefined ref: x["a c"].d
	x["a c"].d
	  ^
	  have: "a c"
	  want (one of): ["a b" "c"]
17:3 rego_type_error: match error
	left  : string
	right : number
