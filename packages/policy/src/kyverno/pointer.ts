// The path of a place in a policy's tree as a JMESPath expression: what `{{@}}` stands for. Kyverno drops everything up to
// `foreach` and two more steps, because it counts on a path that begins with the kind of rule and its field.
// Kyverno: pkg/utils/jsonpointer/pointer.go.

/** `{{@}}` at a path, below a prefix such as `request.object`. */
export function jmesPathOf(path: string, prefix: string): string {
  const steps = splitPath(path);
  const past = steps.slice(steps.indexOf("foreach") + 1);
  const below = past.length - 1 < 2 ? [] : past.slice(2);
  return [...prefix.split("."), ...below].reduce((text, step) => text + stepText(step, text === ""), "");
}

/** Steps are apart by slashes, but for escaped ones. */
function splitPath(path: string): readonly string[] {
  const steps = path.match(/(?:\\.|[^/\\])+/gsu) ?? [];
  return steps.map((step) => step.replaceAll(/\\(.)/gsu, "$1"));
}

function stepText(step: string, isFirst: boolean): string {
  if (/^\d+$/.test(step)) return `[${step}]`;
  // Kyverno lets a parenthesis stand at the end of a plain name, and nowhere else.
  const text = /^[A-Z_a-z][)0-9A-Z_a-z]*$/.test(step) ? step : JSON.stringify(step);
  return isFirst ? text : `.${text}`;
}
