package a

p if not startswith(input.nope, "a")

q if not count(input.nope) > 1

r if not input.a.b == 1

s if not f(input.nope)

t if not [input.x] == [1]

u if not 1 in input.nope

f(x) := x

---
data/"a"/"p" value true
  __local2__ = input.nope
  not startswith(__local2__, "a")

data/"a"/"q" value true
  __local3__ = input.nope
  count(__local3__, __local1__)
  not gt(__local1__, 1)

data/"a"/"r" value true
  not input.a.b = 1

data/"a"/"s" value true
  __local4__ = input.nope
  not data.a.f(__local4__)

data/"a"/"t" value true
  __local5__ = input.x
  not [__local5__] = [1]

data/"a"/"u" value true
  __local6__ = input.nope
  not internal.member_2(1, __local6__)

data/"a"/"f"(__local0__) value __local0__
  true
