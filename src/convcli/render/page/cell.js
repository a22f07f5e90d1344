"use strict";
/*
 * What made one cell of a layer's output: the numbers it saw, where they lie, and what became of them.
 *
 * engine.cell(run, number, at) takes what `net.run` gave, a layer's number, and [row, column, channel] or
 * [index], counted from 0. It returns {number, type, at, kind, a, seen, …}: `a` is the cell's number, `seen`
 * what it sees of the image, {top, left, height, width}, or null where that is not even, or all of it.
 *
 * kind        the rest
 * window      rows, columns of the input under the kernel, also beside it (null: none); channels, each with
 *             channel, values (0 beside the input), kernel, products, sum, and of a separable convolution
 *             factor and product; sum, bias (null: none), z
 * dense       values, weights, products; sum, bias, z
 * maximum     rows, columns of the window that lie on the input; channel, values; taken [row, column]
 * mean        rows, columns, channel, values; sum, count
 * normalised  x, mean, variance, epsilon, gamma, beta; count of numbers normalised together (null: running)
 * neighbours  x, values of it and of the channels beside it; size, alpha, beta, k
 * activation  z; of a softmax `among`, all that it shares out
 * scaled      x, factor
 * shares      cells of the input, each with row, column, value, share
 * added       parts, each with layer (null: the input) and value, and where a convolution lies on a shortcut
 *             its own `shortcut`; z
 * same        layer (null: the input), from, where the number stood
 */
Object.assign(engine, (() => {
  const { divisor, neighbours, pooled, resampled } = engine;

  const total = (numbers) => numbers.reduce((sum, value) => sum + value, 0);
  const range = (length) => Array.from({ length }, (_, k) => k);

  /** Where a cell lies in a tensor's data, and the other way. */
  const indexOf = ({ shape }, at) => at.reduce((index, position, axis) => index * shape[axis] + position, 0);
  const valueAt = (x, at) => x.data[indexOf(x, at)];

  function cellAt({ shape }, index) {
    const at = [];
    for (const n of shape.toReversed()) {
      at.unshift(index % n);
      index = Math.floor(index / n);
    }
    return at;
  }

  // Sums of products -------------------------------------------------------------------------------------

  const isOn = (n, position) => position !== null && position >= 0 && position < n;

  /** One channel under a kernel. */
  function underKernel(x, rows, columns, channel, weight) {
    const [height, width] = x.shape, on = (row, column) => isOn(height, row) && isOn(width, column);
    const values = rows.map((row) => (
      columns.map((column) => (on(row, column) ? valueAt(x, [row, column, channel]) : 0))));
    const kernel = rows.map((_, i) => columns.map((_, j) => weight(i, j)));
    const products = values.map((line, i) => line.map((value, j) => value * kernel[i][j]));
    return { channel, values, kernel, products, sum: total(products.flat()) };
  }

  const plusBias = (sum, b, k) => ({ sum, bias: b ? b.data[k] : null, z: sum + (b ? b.data[k] : 0) });

  /** The window of all channels, whose sums are added. */
  function window(rows, columns, channels, b, k) {
    const sum = total(channels.map((under) => under.product ?? under.sum));
    return { kind: "window", rows, columns, channels, ...plusBias(sum, b, k) };
  }

  /** The rows, or columns, of the input that the window at a position covers. */
  function covered({ size, stride, padding, dilation }, axis, position) {
    return range(size[axis]).map((tap) => position * stride[axis] - padding[axis][0] + tap * dilation[axis]);
  }

  function conv({ layer, input }, [row, column, k]) {
    const { W, b } = layer.arrays, [, , depth, filters] = W.shape;
    const first = Math.floor(k / (filters / layer.groups)) * depth;
    const rows = covered(layer, 0, row), columns = covered(layer, 1, column);
    const channels = range(depth).map((c) => (
      underKernel(input, rows, columns, first + c, (i, j) => valueAt(W, [i, j, c, k]))));
    return window(rows, columns, channels, b, k);
  }

  function separable({ layer, input }, [row, column, k]) {
    const { W, P, b } = layer.arrays, kernels = W.shape[3], each = kernels / input.shape[2];
    const rows = covered(layer, 0, row), columns = covered(layer, 1, column);
    const channels = range(kernels).map((m) => {
      const channel = Math.floor(m / each), factor = valueAt(P, [0, 0, m, k]);
      const under = underKernel(input, rows, columns, channel, (i, j) => valueAt(W, [i, j, 0, m]));
      return { ...under, factor, product: under.sum * factor };
    });
    return window(rows, columns, channels, b, k);
  }

  /** The row, or column, of the input from which each tap was laid on a position; null where from none. */
  function laying({ size, stride, padding, dilation }, axis, position, n) {
    return range(size[axis]).map((tap) => {
      const from = (position + padding[axis][0] - tap * dilation[axis]) / stride[axis];
      return Number.isInteger(from) && isOn(n, from) ? from : null;
    });
  }

  function transposed({ layer, input }, [row, column, k]) {
    const { W, b } = layer.arrays, each = W.shape[2], depth = W.shape[3] / layer.groups;
    const first = Math.floor(k / each) * depth, [height, width] = input.shape;
    const rows = laying(layer, 0, row, height), columns = laying(layer, 1, column, width);
    const channels = range(depth).map((c) => (
      underKernel(input, rows, columns, first + c, (i, j) => valueAt(W, [i, j, k % each, first + c]))));
    return window(rows, columns, channels, b, k);
  }

  function dense({ layer, input }, [k]) {
    const { W, b } = layer.arrays, values = [...input.data];
    const weights = values.map((_, n) => valueAt(W, [n, k]));
    const products = values.map((value, n) => value * weights[n]);
    return { kind: "dense", values, weights, products, ...plusBias(total(products), b, k) };
  }

  // Pools ------------------------------------------------------------------------------------------------

  function pool({ layer, input, output }, at) {
    const channel = at.at(-1), [row, column] = at.length === 1 ? [0, 0] : at;
    const [down, across] = pooled(layer, input.shape), both = [down[row], across[column]];
    const [rows, columns] = both.map(({ cells }) => cells.map((cell) => cell.at));
    const values = rows.map((r) => columns.map((c) => valueAt(input, [r, c, channel])));
    const shown = { rows, columns, channel, values };
    if (output.taken) {
      const taken = cellAt(input, output.taken[indexOf(output, at)]);
      return { kind: "maximum", ...shown, taken: taken.slice(0, 2) };
    }
    const count = divisor(...both, layer.countIncludePad);
    return { kind: "mean", ...shown, sum: total(values.flat()), count };
  }

  // Norms ------------------------------------------------------------------------------------------------

  function batchNorm({ layer, input }, at) {
    const of = (name) => layer.arrays[name].data[at.at(-1)], { epsilon } = layer;
    const [mean, variance, gamma, beta] = ["mean", "variance", "gamma", "beta"].map(of);
    return { kind: "normalised", x: valueAt(input, at), mean, variance, epsilon, gamma, beta, count: null };
  }

  /** Of one sample: `part` tells of the places of two numbers whether they are normalised together. */
  const sampleNorm = (part) => ({ layer, input }, at) => {
    const { gamma, beta } = layer.arrays, index = indexOf(input, at), weight = index % gamma.data.length;
    const own = part(layer, input.shape.at(-1), index);
    const numbers = [...input.data].filter((_, k) => part(layer, input.shape.at(-1), k) === own);
    const count = numbers.length, mean = total(numbers) / count;
    const variance = total(numbers.map((x) => (x - mean) ** 2)) / count;
    return {
      kind: "normalised", x: input.data[index], mean, variance, epsilon: layer.epsilon,
      gamma: gamma.data[weight], beta: beta.data[weight], count,
    };
  };

  function localResponseNorm({ layer: { size, alpha, beta, k }, input }, at) {
    const channels = input.shape.at(-1), reach = [Math.floor((size - 1) / 2), Math.floor(size / 2)];
    const [first, last] = neighbours(indexOf(input, at), channels, ...reach);
    const values = [...input.data.subarray(first, last + 1)];
    return { kind: "neighbours", x: valueAt(input, at), values, size, alpha, beta, k };
  }

  // Numbers one by one, and layers in layers -------------------------------------------------------------

  function activation({ layer, input }, at) {
    const shown = { kind: "activation", z: valueAt(input, at) };
    if (layer.function.type !== "softmax") return shown;
    const first = indexOf(input, [...at.slice(0, -1), 0]);
    return { ...shown, among: [...input.data.subarray(first, first + input.shape.at(-1))] };
  }

  function prelu({ layer, input }, at) {
    const x = valueAt(input, at), { data } = layer.arrays.slope;
    return { kind: "scaled", x, factor: x > 0 ? 1 : data[at.at(-1) % data.length] };
  }

  const scale = ({ layer: { factor }, input }, at) => ({ kind: "scaled", x: valueAt(input, at), factor });

  function upsample({ layer: { factor, mode }, input }, [row, column, channel]) {
    const taken = (axis, position) => resampled(input.shape[axis], factor[axis], mode)[position];
    const cells = taken(0, row).flatMap((down) => taken(1, column).map((across) => ({
      row: down.at,
      column: across.at,
      value: valueAt(input, [down.at, across.at, channel]),
      share: down.share * across.share,
    })));
    return { kind: "shares", cells };
  }

  const same = (record, at) => ({ kind: "same", layer: null, from: at });

  const flatten = ({ input }, [index]) => ({ kind: "same", layer: null, from: cellAt(input, index) });

  function channelShuffle({ layer: { groups }, input }, at) {
    const channel = at.at(-1), each = input.shape.at(-1) / groups;
    const from = (channel % groups) * each + Math.floor(channel / groups);
    return { kind: "same", layer: null, from: [...at.slice(0, -1), from] };
  }

  const sequence = ({ layer }, at) => ({ kind: "same", layer: layer.layers.at(-1).number, from: at });

  const added = (parts) => ({ kind: "added", parts, z: total(parts.map(({ value }) => value)) });

  function residual({ layer, input }, at, run) {
    const last = layer.layers.at(-1).number, through = { layer: last, value: valueAt(run.output(last), at) };
    if (!layer.shortcut) return added([{ layer: null, value: valueAt(input, at) }, through]);
    const shortcut = conv({ layer: { ...layer.shortcut, arrays: layer.arrays }, input }, at);
    return added([{ layer: null, value: shortcut.z, shortcut }, through]);
  }

  function parallel({ layer }, at, run) {
    const branches = layer.layers.map(({ number }) => number);
    if (layer.combine === "add") {
      return added(branches.map((number) => ({ layer: number, value: valueAt(run.output(number), at) })));
    }
    let channel = at.at(-1), branch = 0;
    for (; channel >= run.output(branches[branch]).shape.at(-1); branch++) {
      channel -= run.output(branches[branch]).shape.at(-1);
    }
    return { kind: "same", layer: branches[branch], from: [...at.slice(0, -1), channel] };
  }

  const CELLS = {
    conv,
    separable_conv: separable,
    transposed_conv: transposed,
    dense,
    max_pool: pool,
    avg_pool: pool,
    adaptive_max_pool: pool,
    adaptive_avg_pool: pool,
    global_max_pool: pool,
    global_avg_pool: pool,
    batch_norm: batchNorm,
    group_norm: sampleNorm(({ groups }, channels, k) => Math.floor(((k % channels) * groups) / channels)),
    layer_norm: sampleNorm(({ over }, channels, k) => (over === "sample" ? 0 : Math.floor(k / channels))),
    local_response_norm: localResponseNorm,
    channel_shuffle: channelShuffle,
    activation,
    prelu,
    scale,
    upsample,
    dropout: same,
    flatten,
    sequence,
    residual,
    parallel,
  };

  /** What a cell of a plane, or of one that has been flattened, sees of the image. */
  function seen({ layer: { type, place }, input }, at) {
    const [row, column, channel] = type === "flatten" ? cellAt(input, at[0]) : at;
    if (!place.field || channel === undefined) return null;
    const { start, jump, size: [height, width] } = place.field;
    return { top: start[0] + row * jump[0], left: start[1] + column * jump[1], height, width };
  }

  function cell(run, number, at) {
    const record = run.record(number), { layer: { type }, output } = record;
    const fits = (position, axis) => Number.isInteger(position) && isOn(output.shape[axis], position);
    if (at.length !== output.shape.length || !at.every(fits)) {
      throw new RangeError(`Layer ${number} gives ${output.shape.join(" × ")}, no cell ${at.join(", ")}.`);
    }
    const made = CELLS[type](record, at, run);
    return { number: String(number), type, at, a: valueAt(output, at), seen: seen(record, at), ...made };
  }

  return { CELLS, cell };
})());
