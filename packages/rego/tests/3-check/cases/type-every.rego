package a

p if {
  every k, v in {"a": 1} { k.x; v.y }
}

q if {
  every x in 1 { x }
}

---
