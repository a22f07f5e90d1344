/* As explain/convolution.py. */

/** The step in which the window of a single-channel convolution is at `position`. */
function windowStep({ sliding, output, x, w, b, z, biased, inputGrid }, position) {
  const padded = sliding.pad(x[0]), kernel = w[0][0], seen = sliding.seen(padded, position);
  const bias = biased ? b[0] : null, [known, marks] = progress(position, output), [i, j] = position;
  return step(
    capitalised(place(position)),
    [
      inputGrid(0, inputCaption(sliding), sliding.marks(position)),
      arrow("·"),
      grid(kernel, "kernel", "kernel"),
      arrow("="),
      grid(times(seen, kernel), "products", "window"),
      arrow("→", biased ? "sum + b" : "sum"),
      grid(z[0], `output ${by(output)}`, marks, known),
    ],
    `${cellName("out", position)} = ${products(seen, kernel, bias)} = ${number(z[0][i][j])}`,
  );
}

function inputCaption({ plane, padded }) {
  return `input ${by(plane)}${by(plane) === by(padded) ? "" : `, padded to ${by(padded)}`}`;
}

topics.convolution = (ask) => {
  const problem = posed(ask), { sliding, output } = problem;
  return {
    title: `Convolution (cross-correlation): ${by(sliding.plane)} * ${by(sliding.size)} → ${by(output)}`,
    steps: sliding.positions().map((position) => windowStep(problem, position)),
  };
};
