package a

s := {1}

# There is no data.a.t, so what its keys are is not known.
r contains x if data.a.t[x]

p if r["a"]

q if {
  some x
  data.a.t[x]
  startswith(x, "a")
}

o if {
  v := {null: 1}
  v == 1
}

---
18:3 rego_type_error: match error
	left  : object<<nil>: number>
	right : number
