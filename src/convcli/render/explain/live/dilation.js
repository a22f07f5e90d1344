/* As explain/dilation.py. */
const SHOWN_DILATIONS = [[1, 1], [2, 2], [3, 3]];

topics.dilation = (ask) => {
  const problem = posed(ask), { sliding, output } = problem;
  return {
    title: `Dilation ${by(sliding.dilation)}: ${by(sliding.plane)} * ${by(sliding.size)} → ${by(output)}`,
    steps: [
      spreadStep(problem),
      coveredStep(problem),
      ...sliding.positions().map((position) => windowStep(problem, position)),
      withZeros(problem),
    ],
  };
};

/** The kernel with d − 1 zeros between its cells, and the role of each cell. */
function spreadKernel({ sliding, w }) {
  const [down, across] = sliding.dilation, between = (i, j) => i % down || j % across;
  const spread = matrix(sliding.span, (i, j) => (between(i, j) ? 0 : w[0][0][i / down][j / across]));
  const marks = every(spread).map((cell) => [key(cell), between(...cell) ? "padding" : "kernel"]);
  return [spread, Object.fromEntries(marks)];
}

function spreadStep(problem) {
  const { sliding, w, photo } = problem, { size, span, dilation } = sliding, [spread, marks] = spreadKernel(problem);
  const sizes = AXES.map((axis) => `${size[axis]} + (${size[axis]} − 1)(${dilation[axis]} − 1) = ${span[axis]}`);
  const told = sizes[0] === sizes[1] ? [`effective size = ${sizes[0]}`] :
    [`effective rows = ${sizes[0]}`, `effective columns = ${sizes[1]}`];
  return step(
    "The kernel spread",
    ...photo,
    [
      grid(w[0][0], `kernel ${by(size)}`, "kernel"),
      arrow("→", "d − 1 zeros between"),
      grid(spread, `reaches over ${by(span)}`, marks),
    ],
    "effective size = f + (f − 1)(d − 1)",
    ...told,
    `weights: ${by(size)} = ${size[0] * size[1]}, whatever d is`,
    ...sliding.sizeLines(),
  );
}

function coveredStep({ ask, sliding, inputGrid }) {
  const own = SHOWN_DILATIONS.some((d) => same(d, sliding.dilation)) ? [] : [sliding.dilation];
  const grids = [], lines = [];
  for (const d of [...SHOWN_DILATIONS, ...own]) {
    const other = slidingOf({ ...ask, dilation: d }), name = `d = ${by([...new Set(d)])}`;
    if (other.room.some((room) => room < 0)) {
      lines.push(`${name}: ${by(other.span)} does not fit ${by(other.padded)}`);
      continue;
    }
    const caption = `${name}: over ${by(other.span)}, output ${by(other.output)}`;
    grids.push(inputGrid(0, caption, other.marks([0, 0]), other));
  }
  return step("What each dilation covers", grids, ...lines);
}

function withZeros(problem) {
  const { sliding, output, b, z, biased, inputGrid } = problem, [spread, marks] = spreadKernel(problem);
  const taken = sliding.size[0] * sliding.size[1], cells = spread.flat().length;
  return step(
    "The same as a larger kernel with zeros",
    [
      inputGrid(0, inputCaption(sliding), sliding.paddingMarks),
      arrow("*"),
      grid(spread, "the spread kernel, d = 1", marks),
      arrow("=", biased ? `with b = ${number(b[0])}` : ""),
      grid(z[0], `output ${by(output)}`, "done"),
    ],
    cells > taken ? `a window takes ${counted(taken, "product")}, not ${cells}: those with ` +
      `${counted(cells - taken, "zero")} in between are left out` :
      `d = ${by([...new Set(sliding.dilation)])} spreads nothing`,
  );
}
