/* As explain/stride.py. */
topics.stride = (ask) => {
  const problem = posed(ask), { sliding, output } = problem;
  return {
    title: `Stride ${by(sliding.stride)}: ${by(sliding.plane)} * ${by(sliding.size)} → ${by(output)}`,
    steps: [whatRemains(problem), ...sliding.positions().map((position) => windowStep(problem, position))],
  };
};

function whatRemains({ ask, sliding, output, z, inputGrid }) {
  const uses = sliding.uses(), unused = every(uses).filter(([i, j]) => !uses[i][j]);
  const full = convolved({ ...ask, stride: [1, 1] }).z[0], [down, across] = sliding.stride;
  const kept = every(full).filter(([i, j]) => i % down === 0 && j % across === 0);
  const [rows, columns] = sliding.remainder, inside = unused.filter((cell) => sliding.inside(cell));
  return step(
    "What remains",
    [
      inputGrid(0, "input; crossed out: in no window",
        { ...sliding.paddingMarks, ...roles(unused, "unused") }),
      arrow("→", `s = ${by(sliding.stride)}`),
      grid(full, `at stride 1: ${by(shapeOf(full))}; coloured: what remains`, roles(kept, "done")),
      arrow("→"),
      grid(z[0], `output ${by(output)}`, "done"),
    ],
    ...sliding.sizeLines(),
    `unused: the last ${counted(rows, "row")} and ${counted(columns, "column")} of the padded input, ` +
      `${counted(inside.length, "pixel")} in all`,
  );
}
