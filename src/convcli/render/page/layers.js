"use strict";
/*
 * The layers of convcli, forward and back, as they act while predicting.
 *
 * One is (layer, x, inside) → [y, back]: `layer` has its options, its `arrays`, its `place` in the network
 * and the `layers` in it; inside(child, x) takes one of those through; back(dy) gives dx.
 */
Object.assign(engine, (() => {
  const { count, zeros, map, sharing, windows, poolWindows } = engine;
  const { correlate, scatter, maxima, toTaken, means, spread, activate } = engine;

  const reshaped = (x, shape) => ({ shape, data: x.data });
  const plus = (x, y) => map(x, (value, k) => value + y.data[k]);
  const times = (x, factor) => map(x, (value) => value * factor);

  const same = (layer, x) => [x, (dy) => dy];

  function conv({ arrays: { W, b }, activation, groups, ...window }, x) {
    const [rows, columns] = windows(x.shape, W.shape, window);
    const [a, deactivate] = activate(correlate(x, W, rows, columns, groups, b), activation);
    return [a, (da) => scatter(deactivate(da), W, rows, columns, x.shape, groups)];
  }

  /** All channels mixed in each cell by kernels of 1×1. */
  function mixed(x, W, bias) {
    const [rows, columns] = windows(x.shape, [1, 1], {});
    return [correlate(x, W, rows, columns, 1, bias), (dz) => scatter(dz, W, rows, columns, x.shape)];
  }

  /** A convolution whose kernels are as large as its input, which is one cell. */
  function dense({ arrays: { W, b }, activation }, x) {
    const [units] = W.shape.slice(-1);
    const [z, back] = mixed(reshaped(x, [1, 1, ...x.shape]), reshaped(W, [1, 1, ...W.shape]), b);
    const [a, deactivate] = activate(reshaped(z, [units]), activation);
    return [a, (da) => reshaped(back(reshaped(deactivate(da), [1, 1, units])), x.shape)];
  }

  function separable({ arrays: { W, P, b }, activation, ...window }, x) {
    const [rows, columns] = windows(x.shape, W.shape, window), channels = x.shape[2];
    const [z, unmix] = mixed(correlate(x, W, rows, columns, channels), P, b);
    const [a, deactivate] = activate(z, activation);
    return [a, (da) => scatter(unmix(deactivate(da)), W, rows, columns, x.shape, channels)];
  }

  /** The input gradient of the convolution that goes from its output to its input. */
  function transposed({ arrays: { W, b }, activation, groups, place, ...window }, x) {
    const [rows, columns] = windows(place.output, W.shape, { ...window, out: x.shape });
    const laid = scatter(x, W, rows, columns, place.output, groups), filters = place.output[2];
    const z = b ? map(laid, (value, k) => value + b.data[k % filters]) : laid;
    const [a, deactivate] = activate(z, activation);
    return [a, (da) => correlate(deactivate(da), W, rows, columns, groups)];
  }

  /** The windows of a pool: of the whole plane, sharing it, or sliding over it. */
  function pooled({ type, outputSize, ...window }, plane) {
    if (type.startsWith("global")) return windows(plane, plane, {});
    if (outputSize) return outputSize.map((out, axis) => sharing(plane[axis], out));
    return poolWindows(plane, window);
  }

  /** Maxima or means of windows; of the whole plane (h, w, c) they are (c). */
  function pool(layer, x) {
    const [rows, columns] = pooled(layer, x.shape), padding = layer.countIncludePad;
    const maximum = layer.type.endsWith("max_pool");
    const y = maximum ? maxima(x, rows, columns) : means(x, rows, columns, padding);
    return [{ ...y, shape: layer.place.output }, (dy) => (
      maximum ? toTaken(dy, y.taken, x.shape) : spread(dy, rows, columns, x.shape, padding))];
  }

  /** Each channel times a factor, plus a term, by the running figures. */
  function batchNorm({ arrays: { gamma, beta, mean: means, variance }, epsilon }, x) {
    const channels = x.shape.at(-1);
    const scale = map(variance, (value, k) => gamma.data[k] / Math.sqrt(value + epsilon));
    const y = map(x, (value, k) => {
      const channel = k % channels;
      return (value - means.data[channel]) * scale.data[channel] + beta.data[channel];
    });
    return [y, (dy) => map(dy, (value, k) => value * scale.data[k % channels])];
  }

  /** (x − mean) / √(variance + ε) · γ + β, with figures of the part that part(index) says a number is in. */
  function normalised(x, parts, part, { arrays: { gamma, beta }, epsilon }) {
    const size = x.data.length / parts, weights = gamma.data.length;
    const sums = (values) => {
      const result = new Float64Array(parts);
      for (let k = 0; k < x.data.length; k++) result[part(k)] += values(k) / size;
      return result;
    };
    const centre = sums((k) => x.data[k]);
    const variance = sums((k) => (x.data[k] - centre[part(k)]) ** 2);
    const inverse = variance.map((value) => 1 / Math.sqrt(value + epsilon));
    const normal = (k) => (x.data[k] - centre[part(k)]) * inverse[part(k)];
    const y = map(x, (_, k) => normal(k) * gamma.data[k % weights] + beta.data[k % weights]);
    return [y, (dy) => {
      const weighted = (k) => dy.data[k] * gamma.data[k % weights];
      const plain = sums(weighted), along = sums((k) => weighted(k) * normal(k));
      const centred = (k) => weighted(k) - plain[part(k)] - normal(k) * along[part(k)];
      return map(dy, (_, k) => centred(k) * inverse[part(k)]);
    }];
  }

  function groupNorm(layer, x) {
    const channels = x.shape.at(-1), each = channels / layer.groups;
    return normalised(x, layer.groups, (k) => Math.floor((k % channels) / each), layer);
  }

  function layerNorm(layer, x) {
    const part = layer.over === "sample" ? x.data.length : x.shape.at(-1);
    return normalised(x, x.data.length / part, (k) => Math.floor(k / part), layer);
  }

  /** Where the first and the last of so many channels before and behind a number at a place stand. */
  function neighbours(at, channels, before, behind) {
    const channel = at % channels;
    return [at - Math.min(before, channel), at + Math.min(behind, channels - 1 - channel)];
  }

  /** x / (k + alpha/size · s)^beta, where s is the sum of squares over `size` neighbouring channels. */
  function localResponseNorm({ size, alpha, beta, k }, x) {
    const channels = x.shape.at(-1), before = Math.floor((size - 1) / 2), behind = Math.floor(size / 2);
    const sums = (values, ...reach) => map(x, (_, at) => {
      const [first, last] = neighbours(at, channels, ...reach);
      let sum = 0;
      for (let place = first; place <= last; place++) sum += values(place);
      return sum;
    });
    const base = map(sums((at) => x.data[at] ** 2, before, behind), (sum) => k + (alpha / size) * sum);
    const factor = map(base, (value) => value ** -beta), y = map(x, (value, at) => value * factor.data[at]);
    return [y, (dy) => {
      const shares = sums((at) => (dy.data[at] * y.data[at]) / base.data[at], behind, before);
      const slope = (-2 * alpha * beta) / size;
      return map(dy, (value, at) => value * factor.data[at] + slope * x.data[at] * shares.data[at]);
    }];
  }

  /** Channels of groups in turn: the first of each, then the second of each, and so on. */
  function dealt(x, groups) {
    const channels = x.shape.at(-1), each = channels / groups;
    return map(x, (_, at) => {
      const channel = at % channels;
      return x.data[at - channel + (channel % groups) * each + Math.floor(channel / groups)];
    });
  }

  const channelShuffle = ({ groups }, x) => [dealt(x, groups), (dy) => dealt(dy, x.shape.at(-1) / groups)];

  function prelu({ arrays: { slope } }, x) {
    const slopes = slope.data.length, factor = (k) => (x.data[k] > 0 ? 1 : slope.data[k % slopes]);
    return [map(x, (value, k) => value * factor(k)), (dy) => map(dy, (value, k) => value * factor(k))];
  }

  const scale = ({ factor }, x) => [times(x, factor), (dy) => times(dy, factor)];

  /** Which cells of an axis each of n · factor outputs takes, and what share of each. */
  function resampled(n, factor, mode) {
    return Array.from({ length: n * factor }, (_, number) => {
      if (mode === "nearest") return [{ at: Math.floor(number / factor), share: 1 }];
      const place = Math.min(Math.max((number + 0.5) / factor - 0.5, 0), n - 1), at = Math.floor(place);
      const shares = [{ at, share: 1 - (place - at) }, { at: at + 1, share: place - at }];
      return shares.filter(({ share }) => share > 0);
    });
  }

  function upsample({ factor, mode }, x) {
    const [, width, channels] = x.shape, axes = factor.map((by, axis) => resampled(x.shape[axis], by, mode));
    const eachShare = (visit) => axes[0].forEach((row, r) => axes[1].forEach((column, c) => {
      for (const down of row) {
        for (const across of column) {
          const from = (down.at * width + across.at) * channels, to = (r * axes[1].length + c) * channels;
          const share = down.share * across.share;
          for (let channel = 0; channel < channels; channel++) visit(from + channel, to + channel, share);
        }
      }
    }));
    const y = zeros([axes[0].length, axes[1].length, channels], x);
    eachShare((from, to, share) => { y.data[to] += share * x.data[from]; });
    return [y, (dy) => {
      const dx = zeros(x.shape, dy);
      eachShare((from, to, share) => { dx.data[from] += share * dy.data[to]; });
      return dx;
    }];
  }

  /** Layers one after the other. */
  function sequence({ layers }, x, inside) {
    const backs = layers.map((layer) => {
      const [y, back] = inside(layer, x);
      x = y;
      return back;
    });
    return [x, (dy) => backs.reduceRight((gradient, back) => back(gradient), dy)];
  }

  /** A = g(S(X) + F(X)): layers in a row, beside them the identity or a convolution of 1×1. */
  function residual(layer, x, inside) {
    const { shortcut, activation } = layer;
    const [added, through] = sequence(layer, x, inside);
    const [kept, past] = shortcut ? conv({ ...shortcut, arrays: layer.arrays }, x) : same(layer, x);
    const [a, deactivate] = activate(plus(kept, added), activation);
    return [a, (da) => {
      const dz = deactivate(da);
      return plus(past(dz), through(dz));
    }];
  }

  /** Channels of several tensors behind each other in each cell, and what cuts them apart again. */
  function concatenated(parts) {
    const depths = parts.map((part) => part.shape.at(-1)), depth = depths.reduce((a, b) => a + b);
    const starts = depths.map((_, n) => depths.slice(0, n).reduce((a, b) => a + b, 0));
    const eachRun = (visit) => parts.forEach(({ data }, n) => {
      for (let cell = 0; cell * depths[n] < data.length; cell++) {
        visit(n, cell * depths[n], cell * depth + starts[n]);
      }
    });
    const y = zeros([...parts[0].shape.slice(0, -1), depth], parts[0]);
    eachRun((n, from, to) => y.data.set(parts[n].data.subarray(from, from + depths[n]), to));
    return [y, (dy) => {
      const cut = parts.map((part) => zeros(part.shape, dy));
      eachRun((n, from, to) => cut[n].data.set(dy.data.subarray(to, to + depths[n]), from));
      return cut;
    }];
  }

  /** Branches that all take the same; what they make of it is added, or concatenated on channels. */
  function parallel({ layers, combine }, x, inside) {
    const made = layers.map((branch) => inside(branch, x)), outputs = made.map(([y]) => y);
    const [y, cut] = combine === "add"
      ? [outputs.reduce(plus), (dy) => outputs.map(() => dy)]
      : concatenated(outputs);
    return [y, (dy) => cut(dy).map((part, n) => made[n][1](part)).reduce(plus)];
  }

  const LAYERS = {
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
    group_norm: groupNorm,
    layer_norm: layerNorm,
    local_response_norm: localResponseNorm,
    channel_shuffle: channelShuffle,
    activation: ({ function: g }, x) => activate(x, g),
    prelu,
    scale,
    upsample,
    dropout: same,
    flatten: (layer, x) => [reshaped(x, [count(x.shape)]), (dy) => reshaped(dy, x.shape)],
    sequence,
    residual,
    parallel,
  };

  return { LAYERS, neighbours, plus, pooled, resampled, sequence, times };
})());
