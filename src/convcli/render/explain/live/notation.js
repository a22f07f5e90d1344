/* Numbers and formulas as explain/notation.py and wording.py write them. */
const MOST_TERMS = 30, LARGEST_BELOW = 25, LARGEST_FRACTION = 10, KEPT = 13;

/** A number without what a sum's order leaves in its last digits. */
const kept = (value) => Number(value.toPrecision(KEPT));

/** A number's digits and its power of ten, to four of them; as in Python, a tie goes to the even digit. */
function fourDigits(value) {
  const [long, power] = value.toExponential(100).split("e"), cut = long.indexOf(".") + 4;
  const tie = /^50*$/.test(long.slice(cut)) && "02468".includes(long[cut - 1]);
  return tie ? [long.slice(0, cut), power] : value.toExponential(3).split("e");
}

/** Whole numbers whole, the others to four digits, or as a fraction where these would round. */
function number(value) {
  let text = String(value);
  if (!Number.isInteger(value) || Math.abs(value) >= 1e9) {
    const [digits, power] = fourDigits(kept(value)), rounded = Number(`${digits}e${power}`);
    text = power < -4 || power >= 4 ? `${Number(digits)}e${Number(power)}` : String(rounded);
    if (rounded !== kept(value)) text = fraction(kept(value)) || text;
  }
  return text.replaceAll("-", "−");
}

/** `p/q` for the smallest q that makes a value of 13 digits, or nothing if none does. */
function fraction(value) {
  if (Math.abs(value) >= LARGEST_FRACTION) return "";
  for (let below = 2; below <= LARGEST_BELOW; below++) {
    const above = Math.round(value * below);
    if (above && kept(above / below) === value) return `${above}/${below}`;
  }
  return "";
}

/** A number as a field has it to be changed: in full, as a fraction where that is the same number. */
function typed(value) {
  const [above, below] = Number.isInteger(value) ? [] : fraction(kept(value)).split("/");
  const short = `${above}/${below}`;
  return below && above / below === value && short.length < String(value).length ? short : String(value);
}

/** A number in full, as Python writes it. */
function inFull(value) {
  const [digits, power] = value.toExponential().split("e");
  if (Number.isSafeInteger(value) || (power >= -4 && power < 16)) return String(value === 0 ? 0 : value);
  return `${digits}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}

/** A number as it stands in a product: negative ones in brackets. */
const factor = (value) => (value < 0 ? `(${number(value)})` : number(value));

/** `6 / 4 = 1.5`, or `5/9` alone where the result says the same. */
function quotient(value, count) {
  const result = number(value / count);
  return result === `${number(value)}/${count}` ? result : `${number(value)} / ${count} = ${result}`;
}

/** Terms joined by plus signs, the middle left out where they are many. */
function total(terms, bias = null) {
  let shown = terms;
  if (terms.length > MOST_TERMS) {
    const half = MOST_TERMS / 2;
    shown = [...terms.slice(0, half), `… ${terms.length - 2 * half} more …`, ...terms.slice(-half)];
  }
  return [...shown, ...(bias === null ? [] : [factor(bias)])].join(" + ");
}

/** `3·1 + 0·(−1) + …` of two matrices, cell by cell in row order. */
function products(values, weights, bias = null) {
  const others = weights.flat();
  return total(values.flat().map((value, n) => `${factor(value)}·${factor(others[n])}`), bias);
}

const place = ([row, column]) => `row ${row + 1}, column ${column + 1}`;
const cellName = (name, [row, column]) => `${name}[${row + 1}, ${column + 1}]`;
const capitalised = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
const counted = (count, thing) => (count === 1 ? `1 ${thing}` : `${count} ${thing}s`);
const by = (sizes) => sizes.map((size) => String(size).replace("-", "−")).join(" × ");
const withCommas = (count) => count.toLocaleString("en-US");
