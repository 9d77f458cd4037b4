# METADATA
# description: The package
package a

# METADATA
# title: The rule
p := rego.metadata.rule().title

q := [x.path | some x in rego.metadata.chain()]

---
data/"a"/"p" value __local8__
  __local5__ = {"scope": "rule", "title": "The rule"}
  __local3__ = __local5__
  __local8__ = __local3__.title

data/"a"/"q" value __local9__
  __local6__ = [{"path": ["a", "q"]}, {"annotations": {"description": "The package", "scope": "package"}, "path": ["a"]}]
  __local9__ = [__local7__ | __local4__ = __local6__; __local2__ = __local4__[__local1__]; __local7__ = __local2__.path]
