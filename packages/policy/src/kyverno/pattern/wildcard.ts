// The wildcards of policies, as they are read everywhere in this dialect. Kyverno: ext/wildcard.

export { containsWildcard, matchesWildcard } from "@portcullis/lang/go";
