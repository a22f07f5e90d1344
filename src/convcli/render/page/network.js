"use strict";
/*
 * A trained network of convcli: its layers, forward and back, and what becomes of one image in it.
 *
 * A layer is (layer, x, inside) → [y, back]: `layer` has its options, its `arrays` and the `layers` in it;
 * inside(child, x) takes one of those through; back(dy) gives dx. Layers act as they do while predicting.
 */
Object.assign(engine, (() => {
  const { count, zeros, map, sliding, sharing, windows, poolWindows } = engine;
  const { correlate, scatter, maxima, toTaken, means, spread } = engine;

  const reshaped = (x, shape) => ({ shape, data: x.data });
  const plus = (x, y) => map(x, (value, k) => value + y.data[k]);
  const times = (x, factor) => map(x, (value) => value * factor);

  // Activations ------------------------------------------------------------------------------------------

  /** erf as a series whose terms are all of one sign. Source: Abramowitz and Stegun, 7.1.6. */
  function erf(x) {
    if (Math.abs(x) > 6) return Math.sign(x);
    let term = x, sum = x;
    for (let n = 1; sum + term !== sum; n++) sum += term *= (2 * x * x) / (2 * n + 1);
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }

  const logistic = (z) => 1 / (1 + Math.exp(-z));
  const ROOT = Math.sqrt(8 / Math.PI), CUBIC = 0.044715;

  /** Each g(z), and its slope at z, where it is a. */
  const ACTIVATIONS = {
    none: () => [(z) => z, () => 1],
    relu: () => [(z) => Math.max(z, 0), (z, a) => (a > 0 ? 1 : 0)],
    leaky_relu: ({ slope }) => [(z) => Math.max(z, slope * z), (z, a) => (a > 0 ? 1 : slope)],
    elu: ({ alpha }) => [(z) => (z > 0 ? z : alpha * Math.expm1(z)), (z, a) => (a > 0 ? 1 : a + alpha)],
    sigmoid: () => [logistic, (z, a) => a * (1 - a)],
    tanh: () => [Math.tanh, (z, a) => (1 - a) * (1 + a)],
    silu: () => [(z) => z * logistic(z), (z) => logistic(z) * (1 + z * (1 - logistic(z)))],
    gelu({ approximate }) {
      if (approximate === "tanh") {
        const gate = (z) => logistic(ROOT * (z + CUBIC * z ** 3));
        return [(z) => z * gate(z), (z) => gate(z) * (1 + z * (1 - gate(z)) * ROOT * (1 + 3 * CUBIC * z ** 2))];
      }
      const gate = (z) => (1 + erf(z / Math.SQRT2)) / 2;
      return [(z) => z * gate(z), (z) => gate(z) + (z * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)];
    },
  };

  /** A = g(Z), and what makes dZ of dA. */
  function activate(z, activation) {
    if (activation.type === "none") return [z, (da) => da];
    if (activation.type === "softmax") return softmaxOfCells(z);
    const [value, slope] = ACTIVATIONS[activation.type](activation), a = map(z, value);
    return [a, (da) => map(da, (d, k) => d * slope(z.data[k], a.data[k]))];
  }

  /** Numbers as shares that sum to 1: exp(z) / Σ exp(z). */
  function softmax(numbers) {
    const most = numbers.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = Float64Array.from(numbers, (z) => Math.exp(z - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
  }

  function softmaxOfCells(z) {
    const channels = z.shape.at(-1), a = zeros(z.shape, z);
    for (let at = 0; at < z.data.length; at += channels) {
      a.data.set(softmax(z.data.subarray(at, at + channels)), at);
    }
    return [a, (da) => {
      const dz = zeros(z.shape, da);
      for (let at = 0; at < da.data.length; at += channels) {
        let mean = 0;
        for (let k = at; k < at + channels; k++) mean += da.data[k] * a.data[k];
        for (let k = at; k < at + channels; k++) dz.data[k] = (da.data[k] - mean) * a.data[k];
      }
      return dz;
    }];
  }

  // Layers -----------------------------------------------------------------------------------------------

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

  const maximum = (windowsOn) => (layer, x) => {
    const y = maxima(x, ...windowsOn(layer, x.shape));
    return [y, (dy) => toTaken(dy, y.taken, x.shape)];
  };

  const mean = (windowsOn) => (layer, x) => {
    const [rows, columns] = windowsOn(layer, x.shape), padding = layer.countIncludePad;
    return [means(x, rows, columns, padding), (dy) => spread(dy, rows, columns, x.shape, padding)];
  };

  const slides = (layer, plane) => poolWindows(plane, layer);
  const shares = ({ outputSize }, plane) => outputSize.map((out, axis) => sharing(plane[axis], out));

  /** A pool of the whole plane: (h, w, c) becomes (c). */
  const whole = (kind) => {
    const ofPlane = kind((layer, plane) => windows(plane, plane, {}));
    return (layer, x) => {
      const [y, back] = ofPlane(layer, x), shape = [y.shape[2]];
      return [reshaped(y, shape), (dy) => back(reshaped(dy, y.shape))];
    };
  };

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

  /** (x − mean) / √(variance + ε) · γ + β, each figure over the part that part(index) says a number is of. */
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
      return map(dy, (_, k) => (weighted(k) - plain[part(k)] - normal(k) * along[part(k)]) * inverse[part(k)]);
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
          for (let channel = 0; channel < channels; channel++) visit(from + channel, to + channel, down.share * across.share);
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
    const eachRun = (visit) => parts.forEach((part, n) => {
      for (let cell = 0; cell * depths[n] < part.data.length; cell++) visit(n, cell * depths[n], cell * depth + starts[n]);
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
    max_pool: maximum(slides),
    avg_pool: mean(slides),
    adaptive_max_pool: maximum(shares),
    adaptive_avg_pool: mean(shares),
    global_max_pool: whole(maximum),
    global_avg_pool: whole(mean),
    batch_norm: batchNorm,
    group_norm: groupNorm,
    layer_norm: layerNorm,
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

  // Probabilities ----------------------------------------------------------------------------------------

  /** The nearest shares that sum to 1. Source: Duchi, Shalev-Shwartz, Singer and Chandra, 2008. */
  function nearestShares(outputs) {
    const most = outputs.reduce((a, b) => Math.max(a, b)), shifted = Float64Array.from(outputs, (z) => z - most);
    const descending = shifted.slice().sort().reverse();
    let sum = 0, excess = 0;
    descending.forEach((value, k) => {
      sum += value;
      if (value > (sum - 1) / (k + 1)) excess = (sum - 1) / (k + 1);
    });
    return shifted.map((value) => Math.max(value - excess, 0));
  }

  const PROBABILITIES = { cross_entropy: softmax, focal: softmax, mean_squared_error: nearestShares };

  // Networks ---------------------------------------------------------------------------------------------

  /** A number of 16 bits, as IEEE 754 has it. */
  function half(bits) {
    const exponent = (bits >> 10) & 31, fraction = (bits & 1023) / 1024;
    const size = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
    return bits >> 15 ? -size : size;
  }

  /** An array of weights as float32. Of int8 each number is times the scale of its place on the last axis. */
  function unpacked({ shape, type, offset, scales }, buffer) {
    const length = count(shape);
    if (type === "float32") return { shape, data: new Float32Array(buffer, offset, length) };
    if (type === "float16") return { shape, data: Float32Array.from(new Uint16Array(buffer, offset, length), half) };
    const last = shape.at(-1), factors = new Float32Array(buffer, scales, last);
    const data = Float32Array.from(new Int8Array(buffer, offset, length), (value, k) => value * factors[k % last]);
    return { shape, data };
  }

  /** Bytes that are written as base64. */
  function bytes(text) {
    const signs = atob(text.trim()), result = new Uint8Array(signs.length);
    for (let k = 0; k < signs.length; k++) result[k] = signs.charCodeAt(k);
    return result.buffer;
  }

  /** An image, left and right exchanged. */
  function mirrored(x) {
    const [, width, channels] = x.shape;
    return map(x, (_, k) => {
      const channel = k % channels, cell = (k - channel) / channels, column = cell % width;
      return x.data[(cell + width - 1 - 2 * column) * channels + channel];
    });
  }

  /**
   * A network of the `document` and the weights (an ArrayBuffer) that `render/page/document.py` makes.
   *
   * prepare(pixels) gives its input for the pixels, 0 … 255, of an image of its size; run(x) what becomes of it.
   */
  function network(document, buffer) {
    const { input, preprocessing, flips, loss } = document;
    const places = new Map(document.places.map((place) => [String(place.number), place]));
    const arrays = new Map(Object.entries(document.arrays).map(([name, array]) => [name, unpacked(array, buffer)]));

    function built({ layers = [], ...options }, number) {
      if (!(options.type in LAYERS)) throw new Error(`This page knows no layer of type ${options.type}.`);
      const own = [...arrays].filter(([name]) => name.slice(0, name.lastIndexOf(".")) === number);
      return {
        ...options,
        number,
        place: places.get(number),
        arrays: Object.fromEntries(own.map(([name, array]) => [name.slice(number.length + 1), array])),
        layers: layers.map((child, k) => built(child, `${number}.${k + 1}`)),
      };
    }

    const layers = document.layers.map((layer, k) => built(layer, String(k + 1)));

    function prepare(pixels) {
      if (pixels.length !== count(input)) {
        throw new RangeError(`Expected ${input.join(" × ")} = ${count(input)} numbers, found ${pixels.length}.`);
      }
      const { mean, deviation } = preprocessing, channels = input[2];
      const factor = Float32Array.from(deviation, (value) => 1 / (255 * value));
      const term = Float32Array.from(deviation, (value, k) => -mean[k] / value);
      const scaled = Float32Array.from(pixels, (value, k) => value * factor[k % channels]);
      return { shape: input, data: scaled.map((value, k) => value + term[k % channels]) };
    }

    /** A pass of one image: records of what went into each layer and came out, by number. */
    function pass(x) {
      const records = new Map();
      const inside = (layer, given) => {
        const [output, back] = LAYERS[layer.type](layer, given, inside);
        const record = { layer, input: given, output };
        records.set(layer.number, record);
        return [output, (dy) => back(record.gradient = dy)];
      };
      const [outputs, back] = sequence({ layers }, x, inside);
      return { records, outputs, back };
    }

    /**
     * What becomes of x: `outputs`, with flips the means of those for the image and for its mirror image;
     * `probabilities`; input(number) and output(number) of a layer, "3.1" of the first in the third;
     * gradient(k, number) of the k-th output with respect to those, or of the image for number 0.
     */
    function run(x) {
      const passes = [pass(x), ...(flips ? [pass(mirrored(x))] : [])], [{ records }] = passes;
      const outputs = times(passes.map(({ outputs }) => outputs).reduce(plus), 1 / passes.length);
      if (!outputs.data.every(Number.isFinite)) throw new RangeError("The network's outputs are beyond float32.");

      let asked = null, ofImage = null;
      function gradient(index, number = 0) {
        if (asked !== index) {
          const dy = map(outputs, (_, k) => (k === index ? 1 / passes.length : 0));
          const [direct, flipped] = passes.map(({ back }) => back(dy));
          [asked, ofImage] = [index, flipped ? plus(direct, mirrored(flipped)) : direct];
        }
        return number ? record(number).gradient : ofImage;
      }

      function record(number) {
        const found = records.get(String(number));
        if (!found) throw new RangeError(`There is no layer ${number}.`);
        return found;
      }

      return {
        x, outputs: outputs.data, probabilities: PROBABILITIES[loss.type](outputs.data), record, gradient,
        input: (number) => record(number).input,
        output: (number) => record(number).output,
      };
    }

    return { document, places, layers, prepare, run };
  }

  return { ACTIVATIONS, LAYERS, PROBABILITIES, activate, bytes, network };
})());
