package a

import rego.v1

p := any([true])

---
5:6 rego_type_error: deprecated built-in function calls in expression: any
