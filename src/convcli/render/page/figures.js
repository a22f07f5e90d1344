"use strict";
/*
 * Figures that are read at a glance; numbers and sums are written as `convcli explain` writes them, by notation.js.
 */

/** A number to fewer digits. */
const rough = (value, digits) => number(Number(value.toPrecision(digits)));

/** A probability in per cent: never 100 or 0 unless it is. */
function percent(probability) {
  const text = (probability * 100).toFixed(1);
  if (text === "100.0" && probability < 1) return "> 99.9 %";
  if (text === "0.0" && probability > 0) return "< 0.1 %";
  return `${Number(text)} %`;
}
