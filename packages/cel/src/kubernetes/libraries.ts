// The libraries of Kubernetes 1.36, as each of the programs that evaluate its expressions has them.

import type { Dialect } from "../dialect.ts";
import type { Library } from "../library.ts";
import { comprehensionsLibrary } from "../library/comprehensions.ts";
import { listsLibrary } from "../library/lists.ts";
import { optionalsLibrary } from "../library/optionals.ts";
import { setsLibrary } from "../library/sets.ts";
import { standardLibrary } from "../library/standard.ts";
import { stringsLibrary } from "../library/strings.ts";

export function kubernetesLibraries({ celGo, orValueOfAnything }: Dialect): readonly Library[] {
  return [
    standardLibrary({ celGo }),
    optionalsLibrary(orValueOfAnything),
    stringsLibrary(celGo),
    setsLibrary,
    listsLibrary(celGo),
    comprehensionsLibrary,
  ];
}

export const requestLibrary: Library = { name: "request", overloads: [] };
