"use strict";
/*
 * Numbers and sums as `convcli explain` prints them.
 */
const numbers = (() => {
  const MOST_TERMS = 30;

  const withoutZeros = (digits) => (digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits);

  /** The first digits of a number and its power of ten; a five that ends it goes to the even digit, as in Python. */
  function scientific(value, digits) {
    const [head, tail] = value.toExponential(20).split("e");
    const lies = head.indexOf(".") + digits, kept = head.slice(0, lies), rest = head.slice(lies);
    const even = Number(kept.at(-1)) % 2 === 0;
    if (/^50*$/.test(rest) && even) return [kept, Number(tail)];
    const [rounded, power] = value.toExponential(digits - 1).split("e");
    return [rounded, Number(power)];
  }

  /** Whole numbers whole, the others to four significant digits: `−3`, `0.1235`, `1e−7`. */
  function short(value, digits = 4) {
    if (Number.isNaN(value)) return "nan";
    if (!Number.isFinite(value)) return value > 0 ? "inf" : "−inf";
    let text;
    if (Number.isInteger(value) && Math.abs(value) < 1e9) {
      text = String(value);
    } else {
      const [head, power] = scientific(value, digits);
      const plain = power >= -4 && power < digits;
      text = plain
        ? withoutZeros(Number(`${head}e${power}`).toFixed(Math.max(digits - 1 - power, 0)))
        : `${withoutZeros(head)}e${power}`;
    }
    return text.replaceAll("-", "−");
  }

  /** A number as it stands in a product: negative ones in brackets. */
  const factor = (value) => (value < 0 ? `(${short(value)})` : short(value));

  /** Terms joined by plus signs, the middle left out where they are many, with the bias as the last. */
  function total(terms, bias = null) {
    let shown = terms;
    if (terms.length > MOST_TERMS) {
      const half = MOST_TERMS / 2;
      shown = [...terms.slice(0, half), `… ${terms.length - 2 * half} more …`, ...terms.slice(-half)];
    }
    return [...shown, ...(bias === null ? [] : [factor(bias)])].join(" + ");
  }

  /** `3·1 + 0·(−1) + …` of pairs. */
  const products = (pairs, bias = null) => total(pairs.map(([x, w]) => `${factor(x)}·${factor(w)}`), bias);

  /** A probability in per cent: never 100 or 0 unless it is. */
  function percent(probability) {
    const text = (probability * 100).toFixed(1);
    if (text === "100.0" && probability < 1) return "> 99.9 %";
    if (text === "0.0" && probability > 0) return "< 0.1 %";
    return `${withoutZeros(text)} %`;
  }

  /** `28 × 28 × 1`. */
  const by = (shape) => shape.join(" × ");

  return { short, factor, total, products, percent, by };
})();
