/* As explain/pooling_backward.py. */
topics["pooling-backward"] = (ask) => {
  const problem = pooled(ask), { sliding, x, y, kind, channels, options, output: [rows, columns] } = problem;
  const numbered = y.map((_, c) => matrix([rows, columns], (i, j) => (c * rows + i) * columns + j + 1));
  const da = gradientOf(ask, volumeShape(y), "1, 2, 3, …") ?? numbered;
  const dx = planes(engine.poolBackward(tensor(da), tensor(x), options));
  return {
    title: `Backward of ${kind} pooling ${by(sliding.size)}, stride ${by(sliding.stride)}: ` +
      `dA ${by(volumeShape(da))} → dA_prev ${by(volumeShape(dx))}`,
    steps: channels.flatMap((c) => {
      const soFar = x[c].map((row) => row.map(() => 0));
      return sliding.positions().map((position) => putBack(problem, da[c], soFar, c, position));
    }),
  };
};

/** Add the share of one window to `soFar` and return the step that shows it. */
function putBack(problem, da, soFar, c, position) {
  const { sliding, kind, within } = problem, padded = sliding.pad(problem.x[c]), under = sliding.under(position);
  const counted = problem.counted(position), gradient = da[position[0]][position[1]];
  const taken = kind === "max" ? [maximumOf(problem, padded, position)] : counted, keys = new Set(taken.map(key));
  const mask = matrix(sliding.size, (i, j) => (keys.has(key(under[i * sliding.size[1] + j])) ? 1 / taken.length : 0));
  const chosen = taken.filter((cell) => sliding.inside(cell)), targets = chosen.map(within);
  const before = targets.map(([i, j]) => soFar[i][j]);
  for (const [i, j] of targets) soFar[i][j] += gradient * (1 / taken.length);
  const others = every(soFar).filter(([i, j]) => soFar[i][j]);
  const masked = every(mask).map(([i, j]) => [key([i, j]), mask[i][j] ? "chosen" : "window"]);
  return step(
    `Channel ${c + 1}: window at ${place(position)}`,
    [
      poolInput(problem, c, padded, `A_prev, channel ${c + 1}`, { ...roles(under, "window"), ...roles(chosen, "chosen") }),
      arrow("→", kind),
      grid(mask, "mask", Object.fromEntries(masked)),
      arrow("·", "times"),
      grid(da, "dA", roles([position], "window")),
      arrow("→", "put back"),
      grid(soFar.map((row) => [...row]), "dA_prev so far", { ...roles(others, "done"), ...roles(targets, "result") }),
    ],
    ...putBackWords(problem, c, position, gradient, targets, before, soFar),
  );
}

/** What happened, in formulas: the sum, and a tie where there was one. */
function putBackWords(problem, c, position, gradient, targets, before, soFar) {
  const { kind, x, within } = problem, name = cellName("dA", position), counted = problem.counted(position);
  if (kind === "mean") {
    const count = counted.length;
    return [`${name} / ${count} = ${quotient(gradient, count)} to each cell`];
  }
  const [[i, j]] = targets, after = number(soFar[i][j]);
  const added = before[0] ? `${number(before[0])} + ${number(gradient)} = ${after}` : after;
  const values = counted.map((cell) => { const [row, column] = within(cell); return x[c][row][column]; });
  const most = Math.max(...values), ties = values.filter((value) => value === most).length;
  return [
    `${cellName("dA_prev", targets[0])} = ${added}${before[0] ? ", where windows overlap they add" : ""}`,
    ...(ties > 1 ? [`${ties} cells tie for ${number(most)}: the first in row order gets it`] : []),
  ];
}
