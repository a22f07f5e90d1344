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

const NO_PADDING = [[0, 0], [0, 0]], MOST_APART = 40, MOST_TINTS = 6;

/** Under which a grid keeps the matrix that it shows. */
const SHOWN = Symbol("shown");

/** A matrix of numbers; `marks` is a table of roles or the role of all cells, `known` the only cells shown. */
function grid(cells, caption = "", marks = {}, known = null, { tint = null, shade = "", margin = NO_PADDING } = {}) {
  const shown = known && new Set(known.map(key));
  return {
    grid: shown ? cells.map((row, i) => row.map((value, j) => (shown.has(key([i, j])) ? value : null))) : cells,
    caption,
    marks: typeof marks === "string" ? roles(every(cells), marks) : marks,
    hottest: null,
    names: [],
    tint,
    shade,
    margin,
    [SHOWN]: cells,
  };
}

/** A matrix shaded by its values, from 0 to `hottest`. */
const heatMap = (cells, caption, hottest) => ({ ...grid(cells, caption), hottest: hottest || 1 });

const arrow = (sign, note = "") => ({ arrow: sign, note });
const formula = (text) => ({ formula: text });

/** `count` solids of a shape: how each channel is tinted, what of it is padding, and which parts stand out. */
const block = (shape, caption = "", { count = 1, tints = [], padding = NO_PADDING, parts = [] } = {}) =>
  ({ block: shape, caption, count, tints, padding, parts, largest: 0, toScale: true });

/** Rows, columns and channels; a row of numbers stands upright. */
const sidesOf = (shape) => (shape.length === 3 ? shape : [shape[0], 1, 1]);

/** A row with its solids to one scale, or said not to be where that cannot be. */
function inProportion(row) {
  const solids = row.filter((part) => part.block).map((part) => sidesOf(part.block));
  if (!solids.length) return row;
  const largest = Math.max(...solids.map(([rows, columns, channels]) => Math.max(rows, columns, channels / 2)));
  const toScale = largest <= MOST_APART * Math.min(...solids.map(([rows, columns]) => Math.min(rows, columns)));
  const told = (caption) => (toScale ? caption : `${caption} (not to scale)`.trim());
  return row.map((part) => (part.block ? { ...part, largest, toScale, caption: told(part.caption) } : part));
}

/** The number of each channel's colour: 0 to 2 are red, green and blue, 3 to 8 the others. */
function tintsOf(channels, colours = false) {
  if (colours && channels === 3) return [0, 1, 2];
  return channels > 1 && channels <= MOST_TINTS ? Array.from({ length: channels }, (_, n) => n + 3) : [];
}

/** How the pixels of a channel are shaded: as its light is, or grey. */
const shadeOf = (channel, channels) => (channels === 3 ? ["red", "green", "blue"][channel] : "grey");

/** Links are [input, output, weight or null, whether it stands out]; `legend` says what each weight is. */
const graph = (inputs, outputs, links, caption, legend = []) => ({ inputs, outputs, links, caption, legend });

/** A step; a row that is a text is a line of mathematics. */
const step = (title, ...rows) =>
  ({ title, rows: rows.map((row) => (typeof row === "string" ? [formula(row)] : inProportion(row))) });
