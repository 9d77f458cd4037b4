package a.b

c := 1

---
