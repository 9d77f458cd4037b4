package a

import data.b.p

p := 1

q := p.x.y

---
