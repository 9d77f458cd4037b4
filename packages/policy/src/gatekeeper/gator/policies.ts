// What both gator commands share: the policies among some objects, loaded as a set in gator's profile together with the
// templates and constraints in it, because gator names their problems one by one; and the request that a plain object
// becomes.

import type { Budget, World } from "@portcullis/lang";
import { createEngine } from "../../engine/engine.ts";
import type { PolicyFrontend, Profile } from "../../engine/frontend.ts";
import type { PolicySet, PolicySource } from "../../engine/policyset.ts";
import type { Catalog, EvaluationRequest, Json } from "../../engine/request.ts";
import { unsentRequest } from "../../engine/unsent.ts";
import type { ConstraintSource } from "../constraint/read.ts";
import { type GatekeeperOptions, type GatekeeperUnit, gatekeeperFrontend } from "../frontend.ts";
import type { Template } from "../template/read.ts";

export interface GatorOptions extends GatekeeperOptions {
  /** Time, random numbers and host primitives; gator itself answers what policies ask for. */
  readonly world: Omit<World, "ask">;
  /** A new budget for each object. */
  readonly budget: () => Budget;
}

export interface Policies {
  readonly set: PolicySet;
  /** By name. */
  readonly templates: ReadonlyMap<string, Template>;
  /** By `Kind/name`. */
  readonly constraints: ReadonlyMap<string, ConstraintSource>;
  /** The template of a constraint's kind; null when there is none that can be used. */
  readonly templateOf: (constraint: ConstraintSource) => Template | null;
  /** The same policies and one more; nothing is read again. */
  readonly with: (source: PolicySource) => Policies;
}

export function loadPolicies(
  sources: readonly PolicySource[],
  options: GatekeeperOptions,
  profile: Profile = "gator",
): Policies {
  const templates = new Map<string, Template>();
  const constraints = new Map<string, ConstraintSource>();
  const frontend = gatekeeperFrontend(options);
  const listening: PolicyFrontend<GatekeeperUnit> = {
    ...frontend,
    link: (units, catalog, linkedFor) => {
      for (const unit of units) {
        if (unit.unit === "template") templates.set(unit.name, unit);
        else if (unit.unit === "constraint") constraints.set(`${unit.kind}/${unit.name}`, unit);
      }
      return frontend.link(units, catalog, linkedFor);
    },
  };
  const engine = createEngine({ frontends: [listening], catalog: noCatalog, profile });
  const templateOf = ({ kind }: ConstraintSource): Template | null => {
    const template = templates.get(kind.toLowerCase());
    return template?.ready == null ? null : template;
  };
  const policies = (set: PolicySet): Policies => ({
    set,
    templates,
    constraints,
    templateOf,
    with: (source) => policies(set.with([source], [])),
  });
  return policies(engine.policySet(sources));
}

/** gator asks no API server about kinds. */
export const noCatalog: Catalog = { resourceOf: () => null, schemaOf: () => null };

/** The review of an object that nobody sent: no operation, no user, no resource. Gatekeeper: pkg/target/target.go. */
export function plainRequest(object: Json): EvaluationRequest {
  return unsentRequest(object, "cli");
}
