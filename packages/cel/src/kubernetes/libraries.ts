// The libraries of Kubernetes 1.36, in the order in which it adds them, as each of the programs that evaluate its
// expressions has them. k8s.io/apiserver: pkg/cel/environment/base.go.

import type { Dialect } from "../dialect.ts";
import { comprehensionsLibrary } from "../library/comprehensions.ts";
import { listsLibrary as extendedListsLibrary } from "../library/lists.ts";
import { optionalsLibrary } from "../library/optionals.ts";
import { setsLibrary } from "../library/sets.ts";
import { standardLibrary } from "../library/standard.ts";
import { stringsLibrary } from "../library/strings.ts";
import type { Library } from "../library.ts";
import { authorizerLibrary } from "./authorizer.ts";
import { cidrLibrary } from "./cidr.ts";
import { withCosts } from "./cost.ts";
import { formatLibrary } from "./format.ts";
import { ipLibrary } from "./ip.ts";
import { listsLibrary } from "./lists.ts";
import { quantityLibrary } from "./quantity.ts";
import { regexLibrary } from "./regex.ts";
import { semverLibrary } from "./semver.ts";
import { urlLibrary } from "./url.ts";

export function kubernetesLibraries(dialect: Dialect): readonly Library[] {
  const { celGo } = dialect;
  return [
    standardLibrary(celGo),
    urlLibrary,
    regexLibrary,
    listsLibrary,
    authorizerLibrary,
    optionalsLibrary(dialect),
    quantityLibrary,
    stringsLibrary(celGo),
    setsLibrary,
    ipLibrary,
    cidrLibrary,
    formatLibrary,
    comprehensionsLibrary,
    semverLibrary,
    extendedListsLibrary(celGo),
  ].map(withCosts);
}
