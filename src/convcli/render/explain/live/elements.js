/* What steps are made of, as explain/elements.py has it: plain objects that drawing.js draws. */

/** A cell as the key of a table of roles. */
const key = ([i, j]) => `${i},${j}`;

/** The cells of some rows and columns, in row order. */
const cellsOf = ([rows, columns]) =>
  Array.from({ length: rows * columns }, (_, n) => [Math.floor(n / columns), n % columns]);

const shapeOf = (matrix) => [matrix.length, matrix[0].length];
const every = (matrix) => cellsOf(shapeOf(matrix));

/** A matrix (rows, columns) of what f gives of a row and a column. */
const matrix = ([rows, columns], f) =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => f(i, j)));

/** Cells, all with one role. */
const roles = (cells, role) => Object.fromEntries(cells.map((cell) => [key(cell), role]));

/** Under which a grid keeps the matrix that it shows. */
const SHOWN = Symbol("shown");

/** A matrix of numbers; `marks` is a table of roles or the role of all cells, `known` the only cells shown. */
function grid(cells, caption = "", marks = {}, known = null) {
  const shown = known && new Set(known.map(key));
  return {
    grid: shown ? cells.map((row, i) => row.map((value, j) => (shown.has(key([i, j])) ? value : null))) : cells,
    caption,
    marks: typeof marks === "string" ? roles(every(cells), marks) : marks,
    hottest: null,
    names: [],
    [SHOWN]: cells,
  };
}

/** A matrix shaded by its values, from 0 to `hottest`. */
const heatMap = (cells, caption, hottest) => ({ ...grid(cells, caption), hottest: hottest || 1 });

const arrow = (sign, note = "") => ({ arrow: sign, note });
const formula = (text) => ({ formula: text });
const block = (shape, caption = "") => ({ block: shape, caption });

/** Links are [input, output, weight or null, whether it stands out]; `legend` says what each weight is. */
const graph = (inputs, outputs, links, caption, legend = []) => ({ inputs, outputs, links, caption, legend });

/** A step; a row that is a text is a line of mathematics. */
const step = (title, ...rows) =>
  ({ title, rows: rows.map((row) => (typeof row === "string" ? [formula(row)] : row)) });
