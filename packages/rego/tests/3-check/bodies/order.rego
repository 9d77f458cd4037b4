package a

p if {
  x > 1
  x = y
  y = 2
}

q if {
  not z
  [z, w] = input.pair
  w > v
  v = count(input.xs)
}

r if {
  xs := [y | y > lower; y = input.ys[_]]
  count(xs) > 0
  lower = 1
}

---
data/"a"/"p" value true
  y = 2
  x = y
  gt(x, 1)

data/"a"/"q" value true
  [z, w] = input.pair
  __local4__ = input.xs
  count(__local4__, __local2__)
  v = __local2__
  not z
  gt(w, v)

data/"a"/"r" value true
  __local0__ = 1
  __local1__ = [y | y = input.ys[_]; gt(y, __local0__)]
  count(__local1__, __local3__)
  gt(__local3__, 0)
