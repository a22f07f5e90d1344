"use strict";
/*
 * Convolution and pooling of one image, forward and back, as convcli's NumPy engine has them.
 *
 * A tensor is {shape, data}: [h, w, c] or [n], channels last, row-major; data is any typed array. Results are
 * Float32Array where what they are made of is, else Float64Array; sums are of doubles.
 *
 * Options are those of the command line: `stride`, `dilation`, `size` a number or [rows, columns]; `padding`
 * "valid", "same", "full", a number, [rows, columns] or [[top, bottom], [left, right]].
 */
const engine = (() => {
  const pair = (value) => (Array.isArray(value) ? value : [value, value]);
  const count = (shape) => shape.reduce((product, n) => product * n, 1);

  /** A tensor of zeros, with numbers as exact as those of another. */
  function zeros(shape, like) {
    const Numbers = like.data instanceof Float32Array ? Float32Array : Float64Array;
    return { shape, data: new Numbers(count(shape)) };
  }

  /** What f(value, index) makes of each number. */
  function map(x, f) {
    const y = zeros(x.shape, x);
    for (let k = 0; k < y.data.length; k++) y.data[k] = f(x.data[k], k);
    return y;
  }

  // Sizes ------------------------------------------------------------------------------------------------

  /** Cells of padding [before, after] an axis, where a window has f cells, d apart. */
  function sides(padding, f, d = 1) {
    const reach = d * (f - 1);
    switch (padding) {
      case "valid": return [0, 0];
      case "same": return [Math.floor(reach / 2), Math.ceil(reach / 2)];
      case "full": return [reach, reach];
      default: return pair(padding);
    }
  }

  /** How many windows of f cells there are along an axis of n; RangeError where not even one fits. */
  function size(n, f, { padding = 0, stride = 1, dilation = 1, ceilMode = false } = {}) {
    const [before, after] = sides(padding, f, dilation), span = dilation * (f - 1) + 1;
    const steps = Math[ceilMode ? "ceil" : "floor"]((n + before + after - span) / stride);
    if (steps < 0) {
      const cells = (k) => `${k} cell${k === 1 ? "" : "s"}`, room = `${cells(n)} with padding ${before} + ${after}`;
      throw new RangeError(`A window spanning ${cells(span)} does not fit ${room}.`);
    }
    const beginsBehind = ceilMode && steps * stride >= n + before;
    return beginsBehind ? steps : steps + 1;
  }

  // Windows ----------------------------------------------------------------------------------------------
  // Along an axis they are an array of {cells, held}: `cells` are those that lie on the axis, the tap-th of a
  // window `at` a place; `held` is how many it has with those in the padding, but not beyond its end.

  /** Windows of f cells that slide along an axis of n; `out` of them, if not all that fit. */
  function sliding(n, f, { padding = 0, stride = 1, dilation = 1, ceilMode = false, out } = {}) {
    const [before, after] = sides(padding, f, dilation);
    const length = out ?? size(n, f, { padding, stride, dilation, ceilMode });
    return Array.from({ length }, (_, number) => {
      const start = number * stride - before;
      const taps = Array.from({ length: f }, (_, tap) => ({ tap, at: start + tap * dilation }));
      return {
        cells: taps.filter(({ at }) => at >= 0 && at < n),
        held: taps.filter(({ at }) => at < n + after).length,
      };
    });
  }

  /** Windows that share an axis of n cells: `out` of them, which may overlap and differ in size. */
  function sharing(n, out) {
    return Array.from({ length: out }, (_, number) => {
      const start = Math.floor((number * n) / out), length = Math.ceil(((number + 1) * n) / out) - start;
      return { cells: Array.from({ length }, (_, tap) => ({ tap, at: start + tap })), held: length };
    });
  }

  /** Windows of size `f` on a plane, of its rows and of its columns; `out` says how many, if not all. */
  function windows(plane, f, { padding = 0, stride = 1, dilation = 1, ceilMode = false, out = [] }) {
    const [p, s, d, cells] = [padding, stride, dilation, f].map(pair);
    return [0, 1].map((axis) => sliding(plane[axis], cells[axis],
      { padding: p[axis], stride: s[axis], dilation: d[axis], ceilMode, out: out[axis] }));
  }

  /** Call visit(row, column, at) for each window of a plane, with where its `depth` results begin. */
  function eachWindow(rows, columns, depth, visit) {
    let at = 0;
    for (const row of rows) {
      for (const column of columns) {
        visit(row, column, at);
        at += depth;
      }
    }
  }

  /** Call visit(cell, tap) for each cell of a window, with its number on the plane and that in the window. */
  function eachCell(row, column, width, across, visit) {
    for (const { tap: i, at: y } of row.cells) {
      for (const { tap: j, at: x } of column.cells) visit(y * width + x, i * across + j);
    }
  }

  // Convolution ------------------------------------------------------------------------------------------
  // Kernels are [f_h, f_w, c / groups, n_f], laid on windows unflipped. What slides is `rows` and `columns`.

  /** Numbers, but zeros, that go into sums of products; and where the weights of each begin. */
  class Factors {
    constructor(most) {
      this.values = new Float64Array(most);
      this.at = new Int32Array(most);
      this.length = 0;
    }

    /** Take `length` numbers of `data`, whose weights begin `at` a place and `step` apart. */
    take(data, from, length, at, step) {
      for (let k = 0; k < length; k++) {
        const value = data[from + k];
        if (value === 0) continue;
        this.values[this.length] = value;
        this.at[this.length++] = at + k * step;
      }
    }

    /** Add their sums of products to `length` numbers of `out`, whose weights are `step` apart. */
    addProducts(weights, first, step, length, out, to) {
      const { values, at, length: terms } = this;
      let k = 0;
      for (; k + 4 <= length; k += 4) { // several at a time, which need no memory until they are done
        let a = 0, b = 0, c = 0, d = 0;
        for (let term = 0; term < terms; term++) {
          const value = values[term], place = at[term] + first + k * step;
          a += value * weights[place];
          b += value * weights[place + step];
          c += value * weights[place + 2 * step];
          d += value * weights[place + 3 * step];
        }
        out[to + k] += a;
        out[to + k + 1] += b;
        out[to + k + 2] += c;
        out[to + k + 3] += d;
      }
      for (; k < length; k++) {
        let sum = 0;
        for (let term = 0; term < terms; term++) sum += values[term] * weights[at[term] + first + k * step];
        out[to + k] += sum;
      }
    }
  }

  /** Z = W * X + b: [rows, columns, n_f]. */
  function correlate(x, w, rows, columns, groups = 1, bias = null) {
    const [, width, channels] = x.shape, [, across, depth, filters] = w.shape, each = filters / groups;
    const z = zeros([rows.length, columns.length, filters], x), seen = new Factors(w.data.length / filters);
    eachWindow(rows, columns, filters, (row, column, at) => {
      if (bias) z.data.set(bias.data, at);
      for (let group = 0; group < groups; group++) {
        seen.length = 0;
        eachCell(row, column, width, across, (cell, tap) => {
          const weights = tap * depth * filters + group * each;
          seen.take(x.data, cell * channels + group * depth, depth, weights, filters);
        });
        seen.addProducts(w.data, 0, 1, each, z.data, at + group * each);
      }
    });
    return z;
  }

  /** dX of that: each dZ is laid down, times its kernel, where its window lay; what overlaps is added. */
  function scatter(dz, w, rows, columns, shape, groups = 1) {
    const [, width, channels] = shape, [, across, depth, filters] = w.shape, each = filters / groups;
    const dx = zeros(shape, dz), laid = new Factors(each);
    eachWindow(rows, columns, filters, (row, column, at) => {
      for (let group = 0; group < groups; group++) {
        laid.length = 0;
        laid.take(dz.data, at + group * each, each, group * each, 1);
        eachCell(row, column, width, across, (cell, tap) => {
          const to = cell * channels + group * depth;
          laid.addProducts(w.data, tap * depth * filters, filters, depth, dx.data, to);
        });
      }
    });
    return dx;
  }

  /** dW of that, of the kernels' shape. */
  function kernelGradient(dz, x, rows, columns, shape, groups = 1) {
    const [, width, channels] = x.shape, [, across, depth, filters] = shape, each = filters / groups;
    const dw = zeros(shape, dz);
    eachWindow(rows, columns, filters, (row, column, at) => {
      eachCell(row, column, width, across, (cell, tap) => {
        for (let channel = 0; channel < channels; channel++) {
          const first = Math.floor(channel / depth) * each, value = x.data[cell * channels + channel];
          const weights = (tap * depth + (channel % depth)) * filters + first;
          for (let k = 0; k < each; k++) dw.data[weights + k] += value * dz.data[at + first + k];
        }
      });
    });
    return dw;
  }

  /** The sum over all cells of each channel. */
  function channelSums(x) {
    const channels = x.shape.at(-1), sums = zeros([channels], x);
    x.data.forEach((value, k) => { sums.data[k % channels] += value; });
    return sums;
  }

  /** Kernels turned by 180°. */
  function rotated(w) {
    const [down, across, ...inner] = w.shape, depth = count(inner), turned = zeros(w.shape, w);
    for (let cell = 0; cell < down * across; cell++) {
      const from = (down * across - 1 - cell) * depth;
      turned.data.set(w.data.subarray(from, from + depth), cell * depth);
    }
    return turned;
  }

  /** Z = W * X + b, or with `flip` the convolution of mathematics, whose kernel is turned first. */
  function convolve(x, w, { bias = null, groups = 1, flip = false, ...options } = {}) {
    const [rows, columns] = windows(x.shape, w.shape, options);
    return correlate(x, flip ? rotated(w) : w, rows, columns, groups, bias);
  }

  /** {dx, dw, db}, given dZ of `convolve(x, w, options)`. */
  function convolveBackward(dz, x, w, { groups = 1, flip = false, ...options } = {}) {
    const [rows, columns] = windows(x.shape, w.shape, options), turn = flip ? rotated : (kernels) => kernels;
    return {
      dx: scatter(dz, turn(w), rows, columns, x.shape, groups),
      dw: turn(kernelGradient(dz, x, rows, columns, w.shape, groups)),
      db: channelSums(dz),
    };
  }

  // Pools ------------------------------------------------------------------------------------------------

  /** Maxima of windows; `taken` is where in x.data each stood: the first in row order, or the last NaN. */
  function maxima(x, rows, columns) {
    const [, width, channels] = x.shape, y = zeros([rows.length, columns.length, channels], x);
    const taken = new Int32Array(y.data.length).fill(-1);
    eachWindow(rows, columns, channels, (row, column, at) => {
      eachCell(row, column, width, 0, (cell) => {
        for (let channel = 0; channel < channels; channel++) {
          const from = cell * channels + channel, to = at + channel, value = x.data[from];
          if (taken[to] < 0 || value > y.data[to] || Number.isNaN(value)) {
            y.data[to] = value;
            taken[to] = from;
          }
        }
      });
    });
    return { ...y, taken };
  }

  /** dX of that: each dY goes to where its maximum stood, and nowhere else. */
  function toTaken(dy, taken, shape) {
    const dx = zeros(shape, dy);
    dy.data.forEach((value, k) => { dx.data[taken[k]] += value; });
    return dx;
  }

  /** Over how many cells the mean of a window goes: all that it has, or without `padding` the image's own. */
  const divisor = (row, column, padding = true) =>
    (padding ? row.held * column.held : row.cells.length * column.cells.length);

  /** Means of windows. */
  function means(x, rows, columns, padding = true) {
    const [, width, channels] = x.shape, y = zeros([rows.length, columns.length, channels], x);
    const sums = new Float64Array(channels);
    eachWindow(rows, columns, channels, (row, column, at) => {
      sums.fill(0);
      eachCell(row, column, width, 0, (cell) => {
        for (let k = 0; k < channels; k++) sums[k] += x.data[cell * channels + k];
      });
      const cells = divisor(row, column, padding);
      for (let channel = 0; channel < channels; channel++) y.data[at + channel] = sums[channel] / cells;
    });
    return y;
  }

  /** dX of that: each dY is spread evenly over its window. */
  function spread(dy, rows, columns, shape, padding = true) {
    const [, width, channels] = shape, dx = zeros(shape, dy);
    eachWindow(rows, columns, channels, (row, column, at) => {
      const cells = divisor(row, column, padding);
      eachCell(row, column, width, 0, (cell) => {
        for (let channel = 0; channel < channels; channel++) {
          dx.data[cell * channels + channel] += dy.data[at + channel] / cells;
        }
      });
    });
    return dx;
  }

  /** Windows of a pool, none of which may lie on padding alone. */
  function poolWindows(plane, { size: cells, stride = cells, ...options }) {
    const both = windows(plane, pair(cells), { ...options, stride });
    if (both.some((axis) => axis.some((window) => !window.cells.length))) {
      throw new RangeError("A window would lie on padding alone, where there is no maximum or mean.");
    }
    return both;
  }

  /** The maximum or the mean (`kind`) of each window; of maxima with `taken`, where in x.data they stood. */
  function pool(x, { kind = "max", countIncludePad = true, ...options }) {
    const [rows, columns] = poolWindows(x.shape, options);
    return kind === "max" ? maxima(x, rows, columns) : means(x, rows, columns, countIncludePad);
  }

  /** dX, given dY of `pool(x, options)`. */
  function poolBackward(dy, x, { kind = "max", countIncludePad = true, ...options }) {
    const [rows, columns] = poolWindows(x.shape, options);
    if (kind === "max") return toTaken(dy, maxima(x, rows, columns).taken, x.shape);
    return spread(dy, rows, columns, x.shape, countIncludePad);
  }

  return {
    count, zeros, map, sides, size, sharing, windows, poolWindows, correlate, scatter, convolve,
    convolveBackward, maxima, toTaken, divisor, means, spread, pool, poolBackward,
  };
})();
