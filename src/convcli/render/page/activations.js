"use strict";
/* g in A = g(Z), and the way back through it. */
Object.assign(engine, (() => {
  const { map, zeros } = engine;

  /**
   * 1 − erf: near 0 by a series whose terms are all of one sign, further off, where little is left of 1, by a
   * continued fraction. Sources: Abramowitz and Stegun, 7.1.6 and 7.1.14.
   */
  function erfc(x) {
    if (x < 0) return 2 - erfc(-x);
    const bell = Math.exp(-x * x) / Math.sqrt(Math.PI);
    if (x > 2.5) {
      let below = x;
      for (let n = 60; n > 0; n--) below = x + n / 2 / below;
      return bell / below;
    }
    let term = x, sum = x;
    for (let n = 1; sum + term !== sum; n++) sum += term *= (2 * x * x) / (2 * n + 1);
    return 1 - 2 * bell * sum;
  }

  const logistic = (z) => 1 / (1 + Math.exp(-z));
  const ROOT = Math.sqrt(8 / Math.PI), CUBIC = 0.044715;

  /** Each g(z), and its slope at z, where it is a. */
  const ACTIVATIONS = {
    none: () => [(z) => z, () => 1],
    relu: () => [(z) => Math.max(z, 0), (z, a) => (a > 0 ? 1 : 0)],
    leaky_relu: ({ slope }) => [(z) => Math.max(z, slope * z), (z, a) => (a > 0 ? 1 : slope)],
    elu: ({ alpha }) => [(z) => (z > 0 ? z : alpha * Math.expm1(z)), (z, a) => (a > 0 ? 1 : a + alpha)],
    clip: ({ low, high }) => [(z) => Math.min(Math.max(z, low), high), (z) => (z > low && z < high ? 1 : 0)],
    sigmoid: () => [logistic, (z, a) => a * (1 - a)],
    tanh: () => [Math.tanh, (z, a) => (1 - a) * (1 + a)],
    silu: () => [(z) => z * logistic(z), (z) => logistic(z) * (1 + z * (1 - logistic(z)))],
    gelu({ approximate }) {
      if (approximate === "tanh") {
        const gate = (z) => logistic(ROOT * (z + CUBIC * z ** 3));
        const steepness = (z) => ROOT * (1 + 3 * CUBIC * z ** 2);
        return [(z) => z * gate(z), (z) => gate(z) * (1 + z * (1 - gate(z)) * steepness(z))];
      }
      const gate = (z) => erfc(-z / Math.SQRT2) / 2;
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

  return { ACTIVATIONS, activate, softmax };
})());
