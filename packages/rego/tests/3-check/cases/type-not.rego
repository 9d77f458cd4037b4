package a

import future.keywords.not

p if {
  x := {"a": 1}
  not x.b == 1
}

q if {
  not { y := 1; y.z }
}

---
7:7 rego_type_error: undefined ref: x.b
	x.b
	  ^
	  have: "b"
	  want (one of): ["a"]
