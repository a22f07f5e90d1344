/* A window on a padded plane, as explain/sliding.py and shapes/ have it. Cells count on the padded plane. */
const AXES = [0, 1];

/** What the reader gave does not fit: a sentence, and the name of the control to mend, if it is known. */
class Misfit extends Error {
  constructor(sentence, control = null) {
    super(sentence);
    this.control = control;
  }

  /** The sentences of all controls that have one; `changed` is the one that was touched. */
  sentences(changed) {
    return { [this.control ?? changed]: this.message };
  }
}

/** Several controls that cannot be read, each with its sentence. */
class Unread extends Misfit {
  constructor(sentences) {
    super(Object.values(sentences).join(" "));
    this.sentences = () => sentences;
  }
}

class Sliding {
  /** `padding` is a name, or [[top, bottom], [left, right]]. */
  constructor(plane, { size, stride, padding, dilation, ceilMode = false }) {
    const asked = typeof padding === "string" ? [padding, padding] : padding;
    Object.assign(this, { plane, size, stride, dilation, ceilMode });
    this.padding = AXES.map((axis) => engine.sides(asked[axis], size[axis], dilation[axis]));
    this.span = AXES.map((axis) => dilation[axis] * (size[axis] - 1) + 1);
    this.padded = AXES.map((axis) => plane[axis] + this.padding[axis][0] + this.padding[axis][1]);
    this.room = AXES.map((axis) => this.padded[axis] - this.span[axis]);
  }

  /** What the engine is told. */
  get options() {
    const { size, stride, padding, dilation, ceilMode } = this;
    return { size, stride, padding, dilation, ceilMode };
  }

  /** Rows and columns of the window's positions. */
  get output() {
    return AXES.map((axis) => {
      const [before, after] = this.padding[axis];
      // A window that hangs over the end may begin on the plane, if it counts at all.
      if (Math[this.ceilMode ? "ceil" : "floor"](this.room[axis] / this.stride[axis]) < 0) {
        throw new Misfit(`A window spanning ${this.span[axis]} cells does not fit ${this.plane[axis]} cells with ` +
          `padding ${before} + ${after}: use a smaller window, a larger input, or padding of at least ` +
          `${this.span[axis] - this.plane[axis]} in all.`);
      }
      return engine.size(this.plane[axis], this.size[axis], {
        padding: [before, after], stride: this.stride[axis], dilation: this.dilation[axis], ceilMode: this.ceilMode,
      });
    });
  }

  /** Padded rows and columns at the end that no window reaches; below 0, how many the last one hangs over. */
  get remainder() {
    return AXES.map((axis) => this.room[axis] - (this.output[axis] - 1) * this.stride[axis]);
  }

  get origin() {
    return this.padding.map(([before]) => before);
  }

  positions() {
    return cellsOf(this.output);
  }

  inside([i, j]) {
    const [top, left] = this.origin, [rows, columns] = this.plane;
    return i >= top && i < top + rows && j >= left && j < left + columns;
  }

  /** A plane with the zeros around it; `of` says whose they are. */
  pad(plane) {
    const { origin } = this, [top, left] = origin;
    const padded = matrix(this.padded, (i, j) => (this.inside([i, j]) ? plane[i - top][j - left] : 0));
    return Object.assign(padded, { of: { plane, origin } });
  }

  /** The cells under the window, in row order. */
  under([row, column]) {
    return cellsOf(this.size).map(([i, j]) =>
      [row * this.stride[0] + i * this.dilation[0], column * this.stride[1] + j * this.dilation[1]]);
  }

  /** What stands under the window on a padded plane. */
  seen(padded, position) {
    const cells = this.under(position), columns = this.size[1];
    return matrix(this.size, (i, j) => { const [y, x] = cells[i * columns + j]; return padded[y][x]; });
  }

  get paddingMarks() {
    return roles(cellsOf(this.padded).filter((cell) => !this.inside(cell)), "padding");
  }

  marks(position) {
    return { ...this.paddingMarks, ...roles(this.under(position), "window") };
  }

  /** How many windows lie on each cell. */
  uses() {
    const counts = matrix(this.padded, () => 0);
    for (const position of this.positions()) for (const [i, j] of this.under(position)) counts[i][j] += 1;
    return counts;
  }

  /** The part of a padded plane that is no padding. */
  crop(padded) {
    const [top, left] = this.origin;
    return matrix(this.plane, (i, j) => padded[i + top][j + left]);
  }

  /** The size formula in letters, and with its numbers: once, or for rows and columns. */
  sizeLines() {
    const { output } = this;
    const [rows, columns] = AXES.map((axis) => {
      const [before, after] = this.padding[axis], s = this.stride[axis], d = this.dilation[axis];
      return `⌊(${this.plane[axis]} + ${before} + ${after} − ${d}·(${this.size[axis]}−1) − 1) / ${s}⌋ + 1 = ` +
        `⌊${this.room[axis]} / ${s}⌋ + 1 = ${output[axis]}`;
    });
    const numbers = rows === columns ? [`out = ${rows}`] : [`rows = ${rows}`, `columns = ${columns}`];
    return ["out = ⌊(n + p_before + p_after − d(f−1) − 1) / s⌋ + 1", ...numbers];
  }
}

/** Of an output's cells those known once `position` is, and the roles of these. */
function progress([row, column], output) {
  const known = cellsOf(output).slice(0, row * output[1] + column + 1);
  return [known, { ...roles(known, "done"), [key([row, column])]: "result" }];
}

/** `1`, `1 × 2` (rows × columns), or top, bottom, left and right where opposite ones differ. */
function shortSides([[top, bottom], [left, right]]) {
  if (top !== bottom || left !== right) return [top, bottom, left, right].join(", ");
  return top === left ? String(top) : by([top, left]);
}
