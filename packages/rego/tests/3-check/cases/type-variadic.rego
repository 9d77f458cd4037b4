package a

p if print(1, "a", count(1))

---
3:20 rego_type_error: count: invalid argument(s)
	have: (number, ???)
	want: (collection: any<...>, n: number)
