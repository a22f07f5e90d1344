/* Texts that the reader writes, and what they mean: a part of what kernels/grammar.py understands. */
const LARGEST = 3.4e38, MOST_COUNT = 99;

/** The number that a text writes, a decimal or a fraction; NaN if it writes none. */
function readNumber(cell) {
  const decimal = (part) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(part) ? Number(part) : NaN);
  const [above, below, more] = cell.split("/");
  if (more !== undefined) return NaN;
  return below === undefined ? decimal(above) : decimal(above) / (decimal(below) || NaN);
}

/** The numbers of a row. */
function readRow(text, where) {
  const plain = text.replace(/[−‐-‒]/g, "-").trim();
  const comma = plain.match(/\S*\d,\d\S*/);
  if (comma) throw new Misfit(`${where}part cells by blanks and write decimals with a point, not ${comma[0]}.`);
  return plain.split(/[\s,]+/).filter(Boolean).map((cell, n) => {
    const value = readNumber(cell);
    if (Math.abs(value) <= LARGEST) return value;
    throw new Misfit(`${where}column ${n + 1}: expected a number, found ${cell.slice(0, 40)}.`);
  });
}

/** The matrix that a text holds: lines or semicolons end rows. */
function readMatrix(text) {
  const lines = text.split(/[;\n]/).filter((line) => line.trim());
  if (!lines.length) throw new Misfit("expected rows of numbers, found none.");
  const rows = lines.map((line, n) => readRow(line, `row ${n + 1}, `)), columns = rows[0].length;
  const uneven = rows.findIndex((row) => row.length !== columns);
  if (uneven > 0) {
    throw new Misfit(`row ${uneven + 1}: expected ${columns} cells as in row 1, found ${rows[uneven].length}.`);
  }
  if (Math.max(rows.length, columns) > MOST_SIDE) {
    throw new Misfit(`${by([rows.length, columns])} numbers; at most ${MOST_SIDE} × ${MOST_SIDE} can be read.`);
  }
  return rows;
}

/** The planes that a text holds, parted by |. */
function readVolume(text, read = readMatrix) {
  const planes = text.split("|").map(read);
  if (planes.some((plane) => by(shapeOf(plane)) !== by(shapeOf(planes[0])))) {
    throw new Misfit("the channels have different sizes; give each the same rows and columns.");
  }
  return planes;
}

const written = (planes) => planes.map((plane) => plane.map((row) => row.map(typed).join(" ")).join("\n")).join("\n|\n");

/** A kernel by its name, or a matrix. */
function readKernel(text) {
  const name = text.trim();
  if (!/^[a-z]/i.test(name)) return readMatrix(text);
  const found = kernels[name.toLowerCase()];
  if (found === undefined) throw new Misfit(`there is no kernel ${name.slice(0, 40)} here: choose one of the list.`);
  if (typeof found === "string") throw new Misfit(found);
  return found;
}

/** [rows, columns] of `3` or `3x5`. */
function readPair(text) {
  const match = text.trim().match(/^(\d+)(?:\s*[x×,]\s*(\d+))?$/);
  const pair = match && [match[1], match[2] ?? match[1]].map(Number);
  if (pair?.every((n) => n >= 1 && n <= MOST_COUNT)) return pair;
  throw new Misfit(`expected a whole number from 1 to ${MOST_COUNT}, or rows x columns such as 2x1.`);
}
const writtenPair = ([rows, columns]) => (rows === columns ? String(rows) : `${rows}x${columns}`);
