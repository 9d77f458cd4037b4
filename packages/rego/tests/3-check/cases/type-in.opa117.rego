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
