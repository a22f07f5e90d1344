/* As explain/flip.py. */
const EQUAL = 1e-9;

topics.flip = (ask) => {
  const problem = posed(ask), flipped = posed({ ...ask, kernels: [[rotated(ask.kernels[0][0])]] });
  const { sliding } = problem, correlation = problem.z[0], convolution = flipped.z[0];
  const largest = Math.max(1, ...correlation.flat().map(Math.abs));
  const apart = every(correlation).filter(([i, j]) =>
    Math.abs(correlation[i][j] - convolution[i][j]) > EQUAL * largest);
  return {
    title: `Flip: ${by(sliding.plane)} and ${by(sliding.size)}, convolution beside correlation`,
    steps: [
      flippedStep(problem, flipped.w[0][0]),
      ...sliding.positions().map((position) => besideStep(problem, flipped, position)),
      bothOutputs(problem, correlation, convolution, apart),
    ],
  };
};

const upsideDown = (kernel) => [...kernel].reverse();
const rotated = (kernel) => upsideDown(kernel).map((row) => [...row].reverse());

function flippedStep({ w, photo }, turned) {
  return step(
    "The kernel flipped",
    ...photo,
    [
      grid(w[0][0], "kernel", "kernel"),
      arrow("→", "rows in reverse"),
      grid(upsideDown(w[0][0]), "upside down", "kernel"),
      arrow("→", "columns in reverse"),
      grid(turned, "flipped: rotated by 180°", "kernel"),
    ],
    "correlation = Σ window[a, b] · w[a, b]",
    "convolution = Σ window[a, b] · w[f_h + 1 − a, f_w + 1 − b]",
  );
}

function besideStep(problem, flipped, position) {
  const { sliding, output, x, b, biased } = problem, padded = sliding.pad(x[0]), [i, j] = position;
  const seen = sliding.seen(padded, position), [known, marks] = progress(position, output);
  const both = [["correlation", "kernel", problem], ["convolution", "kernel flipped", flipped]];
  return step(
    capitalised(place(position)),
    ...both.map(([name, kernel, { w, z }]) => [
      problem.inputGrid(0, inputCaption(sliding), sliding.marks(position)),
      arrow("·"),
      grid(w[0][0], kernel, "kernel"),
      arrow("→", biased ? "sum + b" : "sum"),
      grid(z[0], name, marks, known),
    ]),
    ...both.map(([name, , { w, z }]) => `${cellName(name, position)} = ` +
      `${products(seen, w[0][0], biased ? b[0] : null)} = ${number(z[0][i][j])}`),
  );
}

function bothOutputs({ x, w }, correlation, convolution, apart) {
  const numbers = x[0].flat().filter(Boolean).length, marks = roles(apart, "window");
  return step(
    "Both outputs",
    [
      grid(correlation, "correlation: kernel as it is", marks),
      arrow(apart.length ? "≠" : "="),
      grid(convolution, "convolution: kernel flipped", marks),
    ],
    verdict(w[0][0], apart.length, correlation.flat().length),
    ...(numbers === 1 ? ["A single number that is not 0: convolution repeats the kernel there, correlation " +
      "repeats it flipped."] : []),
    "Networks correlate, and call it convolution: their kernels are learned, and would be learned flipped " +
      "just as well.",
    "Signal processing flips, so that kernels can be applied in any order: convcli filter --op convolve.",
  );
}

function verdict(kernel, apart, count) {
  const own = kernel.flat(), other = rotated(kernel).flat();
  if (own.every((value, n) => value === other[n])) {
    return "The kernel is its own rotation by 180°: both are the same, whatever the input.";
  }
  if (!apart) return "The kernel is not its own rotation by 180°, but on these numbers both are the same.";
  if (own.every((value, n) => value === -other[n])) {
    return "Flipped, every weight changes its sign: so does every sum, and nothing else.";
  }
  return `They differ in ${apart} of ${counted(count, "cell")}.`;
}
