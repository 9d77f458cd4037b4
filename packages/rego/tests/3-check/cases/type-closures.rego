package a

p := [x | x := 1 + "a"]

q := {k: v | k := "a"; v := upper(1)}

r if {
  every x in [1] { upper(x) == "A" }
}

s if {
  x := {y | y := [1]["a"]}
  x == 1
}

---
3:16 rego_type_error: plus: invalid argument(s)
	have: (number, string, ???)
	want: (x: number, y: number, z: number)
5:29 rego_type_error: upper: invalid argument(s)
	have: (number, ???)
	want: (x: string, y: string)
12:18 rego_type_error: undefined ref: [1].a
	[1].a
	    ^
	    have: "a"
	    want (type): number
