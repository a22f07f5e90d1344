/* One convolution with all its tensors, as explain/problem.py poses it. Volumes are lists of planes. */
const MOST_SIDE = 16;

/** A maker of steps for each topic: settings → {title, steps}. */
const topics = {};

/** Planes [c][h][w] as the engine's tensor [h, w, c]. */
function tensor(planes) {
  const [h, w] = shapeOf(planes[0]);
  const data = Float64Array.from({ length: h * w * planes.length }, (_, n) => {
    const cell = Math.floor(n / planes.length);
    return planes[n % planes.length][Math.floor(cell / w)][cell % w];
  });
  return { shape: [h, w, planes.length], data };
}

/** Filters [k][c][h][w] as the engine's tensor [h, w, c, k]. */
function weights(filters) {
  const { shape: [h, w, all], data } = tensor(filters[0].flatMap((_, c) => filters.map((filter) => filter[c])));
  return { shape: [h, w, all / filters.length, filters.length], data };
}

/** The engine's tensor [h, w, c] as planes; one of [h, w, c, k] as filters. */
function planes({ shape: [h, w, c], data }) {
  return Array.from({ length: c }, (_, channel) => matrix([h, w], (i, j) => data[(i * w + j) * c + channel]));
}
function filtersOf({ shape: [h, w, c, k], data }) {
  const all = planes({ shape: [h, w, c * k], data });
  return Array.from({ length: k }, (_, filter) => all.filter((_, n) => n % k === filter));
}

const times = (a, b) => a.map((row, i) => row.map((value, j) => value * b[i][j]));
const sum = (numbers) => numbers.flat().reduce((soFar, value) => soFar + value, 0);
const volumeShape = (volume) => [...shapeOf(volume[0]), volume.length];

/** Of `count` those from 0 that are shown: all, or the one that is asked for, from 1. */
function shownOf(asked, count, control) {
  if (asked > count) throw new Misfit(`${asked}: there are ${count}, counted from 1.`, control);
  return asked === null ? Array.from({ length: count }, (_, n) => n) : [asked - 1];
}

/** The convolution that settings describe. */
function posed(ask) {
  const { padded } = slidingOf(ask);
  if (Math.max(...padded) > 2 * MOST_SIDE) {
    throw new Misfit(`the padded plane has more than ${2 * MOST_SIDE} rows or columns; use less.`, "padding");
  }
  return convolved(ask);
}

const slidingOf = (ask) => new Sliding(shapeOf(ask.input[0]), { ...ask, size: shapeOf(ask.kernels[0][0]) });

/** The same, however far it is padded. */
function convolved(ask) {
  const x = ask.input, w = ask.kernels, b = ask.bias ?? w.map(() => 0), sliding = slidingOf(ask);
  const output = sliding.output, kernels = weights(w);
  const z = engine.convolve(tensor(x), kernels, { bias: { data: b }, ...sliding.options });
  const size = kernels.data.length, tints = tintsOf(x.length, ask.pixels);
  return {
    tints,
    /** A channel of the padded input, as pixels if it is one of a photo's. */
    inputGrid(c, caption, marks, other = sliding) {
      const pixels = { shade: shadeOf(c, x.length), margin: other.padding };
      return grid(other.pad(x[c]), caption, marks, null, ask.pixels ? pixels : { tint: tints[c] ?? null });
    },
    ask, x, w, b, sliding, output, tensors: { x: tensor(x), w: kernels, z }, z: planes(z),
    biased: ask.bias !== null, size, parameters: size + (ask.bias ? b.length : 0),
    shapes: { x: volumeShape(x), w: kernels.shape, z: z.shape },
    // The photo that the numbers come from stands on the page already.
    photo: ask.photo === null ? [] : [[{ picture: ask.photo, pixels: null }]],
  };
}

/** dA as settings give it, or null where it does not fit what comes out, which `ask.notes` then says. */
function gradientOf(ask, shape, instead) {
  if (ask.gradient === null) return null;
  const found = by(volumeShape(ask.gradient));
  if (found === by(shape)) return ask.gradient;
  if (ask.changed === "gradient") {
    throw new Misfit(`expected the output's size ${by(shape)}, found ${found}.`, "gradient");
  }
  ask.notes.gradient = `these ${found} do not fit the output's ${by(shape)}: ${instead} instead.`;
  return null;
}

/** Of the activations that a topic may have the one that is chosen. */
const activationOf = (ask) => ask.activations.find(({ name }) => name === ask.activation);
