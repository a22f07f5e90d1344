/* The gradients of one conv layer as explain/gradients.py has them, and a numeric check of each. */
const NEAR_KINK = 1e-4, FIRST_STEP = 1e-3, SHRINK = 4, MOST_STEPS = 9, SETTLED = 1e-8;

/** A layer's way back, given dA as planes. */
function goneBack(problem, g, da) {
  const { sliding, tensors: { x, w, z } } = problem, [a, back] = engine.activate(z, g);
  const dz = back(tensor(da)), slope = back(engine.map(z, () => 1));
  const { dx, dw, db } = engine.convolveBackward(dz, x, w, sliding.options);
  return {
    problem, g, da, a: planes(a), dz: planes(dz), slope: planes(slope),
    dx: planes(dx), dw: filtersOf(dw), db: [...db.data], tensors: { a, dz, da: tensor(da), dx, dw, db },
  };
}

/** Why no gradient comes through g to a filter, or nothing if some does. */
function silence({ problem, g, da, dz, slope }, k) {
  const some = (plane) => plane.flat().some(Boolean), z = problem.z[k].flat();
  if (some(dz[k])) return "";
  if (!some(da[k])) return "dA is 0 everywhere";
  if (some(slope[k])) return `dA is 0 wherever ${g.name} has a slope`;
  const below = z.every((value) => value < 0) ? "below 0" : "0 or less";
  if (g.kinks.length && z.every((value) => value <= 0)) return `every Z is ${below}, where ${g.name} has slope 0`;
  return `every Z lies where ${g.name} has levelled out`;
}

/** dZ of a filter with s − 1 zeros between its cells, and the remainder's at the bottom and right. */
function dilated({ problem: { sliding, output }, dz }, k) {
  const extra = sliding.remainder, [down, across] = sliding.stride;
  const shape = AXES.map((axis) => (output[axis] - 1) * sliding.stride[axis] + 1 + extra[axis]);
  return matrix(shape, (i, j) => (i % down || j % across ? 0 : dz[k][i / down]?.[j / across] ?? 0));
}

/** Whether g has no derivative at z. */
const onKink = (g, z) => g.kinks.some((kink) => Math.abs(z - kink) <= NEAR_KINK);

const turned = (kernel) => kernel.map((row) => [...row].reverse()).reverse();

/** How the rotated kernel slides over dZ dilated and padded. */
function fullSliding(back, k) {
  const { size, dilation } = back.problem.sliding;
  return new Sliding(shapeOf(dilated(back, k)), { size, dilation, stride: [1, 1], padding: "full" });
}

/** One filter's dZ in full convolution with its kernel's channel; as large as the padded input. */
function fullOf(back, c, k) {
  const { dilation } = back.problem.sliding, kernel = weights([[turned(back.problem.w[k][c])]]);
  return planes(engine.convolve(tensor([dilated(back, k)]), kernel, { padding: "full", dilation }))[0];
}

/** The derivative of f at 0 by central differences, extrapolated (Ridders, 1982). */
function derivative(f) {
  const difference = (h) => (f(h) - f(-h)) / (2 * h);
  let h = FIRST_STEP, coarse = difference(h), before = null, best = { value: 0, apart: Infinity };
  for (let n = 0; n < MOST_STEPS && best.apart > SETTLED; n++) {
    h /= SHRINK;
    const fine = difference(h), value = fine + (fine - coarse) / (SHRINK ** 2 - 1);
    const apart = Math.abs(value - (before ?? coarse));
    if (apart < best.apart) best = { value, apart };
    [coarse, before] = [fine, value];
  }
  return best.value;
}

/** The largest difference of a gradient from a function's differences, relative to the largest entry. */
function relativeError(f, data, gradient, shown) {
  let apart = 0, largest = 0;
  for (let n = 0; n < data.length; n++) {
    if (!shown(n)) continue;
    const kept = data[n], numeric = derivative((h) => { data[n] = kept + h; return f(); });
    data[n] = kept;
    apart = Math.max(apart, Math.abs(gradient[n] - numeric));
    largest = Math.max(largest, Math.abs(gradient[n]), Math.abs(numeric));
  }
  return largest ? apart / largest : 0;
}

/** The relative error of each gradient, for the filters and channels that are shown. */
function check({ problem, g, tensors }, filters, channels) {
  const { sliding, b } = problem, count = b.length, depth = problem.x.length;
  const copy = (name) => engine.map(problem.tensors[name], (value) => value);
  const x = copy("x"), w = copy("w"), z = copy("z"), bias = { data: Float64Array.from(b) };
  const dot = (one, other) => one.data.reduce((soFar, value, n) => soFar + value * other.data[n], 0);
  const afterActivation = () => dot(engine.activate(z, g)[0], tensors.da);
  const afterConvolution = () => dot(engine.convolve(x, w, { bias, ...sliding.options }), tensors.dz);
  const filter = (n) => filters.includes(n % count), channel = (n) => channels.includes(n);
  const smooth = (n) => !onKink(g, problem.tensors.z.data[n]);
  return {
    dZ: relativeError(afterActivation, z.data, tensors.dz.data, (n) => filter(n) && smooth(n)),
    dW: relativeError(afterConvolution, w.data, tensors.dw.data,
      (n) => filter(n) && channel(Math.floor(n / count) % depth)),
    db: relativeError(afterConvolution, bias.data, tensors.db.data, filter),
    dA_prev: relativeError(afterConvolution, x.data, tensors.dx.data, (n) => channel(n % depth)),
  };
}
