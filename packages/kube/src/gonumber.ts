// Go's text of floating point numbers with the verb %g (and %v): shortest digits, an exponent from 1e+06 on.
// Behaviour from Go strconv.FormatFloat with format 'g' and precision -1.

/** `1e+06`, `123456`, `0.0001`, `1e-05`. */
export function goFloatText(value: number): string {
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
