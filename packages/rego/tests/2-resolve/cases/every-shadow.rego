package a

p if {
  x := 1
  every x in [2] { x == 2 }
  x == 1
}

---
