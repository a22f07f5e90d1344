/* As explain/volume.py. */
const SHOWN_CHANNELS = 4;

topics.volume = (ask) => {
  const problem = posed(ask), { sliding, w, shapes } = problem, filters = shownOf(ask.filter, w.length, "filter");
  const filter = shapes.w.slice(0, 3);
  return {
    title: `Volume: ${by(shapes.x)} * ${counted(w.length, "filter")} of ${by(filter)} → ${by(shapes.z)}`,
    steps: [
      shapesStep(problem, filter),
      ...filters.flatMap((k) => sliding.positions().map((position) => summed(problem, k, position))),
      stacked(problem, filters),
    ],
  };
};

function shapesStep({ sliding, output, w, shapes, photo, tints }, filter) {
  const filters = counted(w.length, "filter");
  return step(
    "Shapes",
    ...photo,
    [
      block(shapes.x, "A_prev: n × n × n_c", { tints }),
      arrow("*"),
      block(filter, `${filters} W: f × f × n_c`, { count: w.length, tints }),
      arrow("="),
      block(shapes.z, "Z: out × out × n_f"),
    ],
    `${by(shapes.x)} * ${by(filter)} → ${by(output)} per filter`,
    `n_f = ${filters}, stacked: ${by(shapes.z)}`,
    ...sliding.sizeLines(),
  );
}

/** One output cell of one filter: a row for each channel, then the sum over channels. */
function summed(problem, k, position) {
  const { sliding, output, x, w, b, z, biased, inputGrid } = problem;
  const padded = x.map((plane) => sliding.pad(plane)), seen = padded.map((plane) => sliding.seen(plane, position));
  const shares = seen.map((values, c) => times(values, w[k][c])), sums = shares.map(sum);
  const [known, marks] = progress(position, output), [i, j] = position;
  const shown = padded.slice(0, SHOWN_CHANNELS);
  const rows = shown.map((_, c) => [
    inputGrid(c, `channel ${c + 1}`, sliding.marks(position)),
    arrow("·"),
    grid(w[k][c], `W, filter ${k + 1}`, "kernel"),
    arrow("="),
    grid(shares[c], `sum ${number(sums[c])}`, "window"),
  ]);
  rows[0].push(arrow("→", biased ? "sum + b" : "sum"), grid(z[k], `Z, filter ${k + 1}`, marks, known));
  return step(
    `Filter ${k + 1}: ${place(position)}`,
    moving(problem, k, position),
    ...rows,
    ...shown.map((_, c) => `channel ${c + 1}: ${products(seen[c], w[k][c])} = ${number(sums[c])}`),
    `${cellName(`Z_${k + 1}`, position)} = ${total(sums.map(factor), biased ? b[k] : null)} = ${number(z[k][i][j])}`,
  );
}

/** The window as a part of the input, as deep as it, and the one cell that comes of it. */
function moving({ sliding, x, biased, tints, shapes }, k, [i, j]) {
  const under = sliding.under([i, j]), channels = x.map((_, c) => c), padded = by(sliding.padded) === by(sliding.plane);
  const [rows, columns] = AXES.map((axis) => [...new Set(under.map((cell) => cell[axis]))].sort((a, b) => a - b));
  const window = { rows, columns, channels, role: "window" };
  const cell = { rows: [i], columns: [j], channels: [k], role: "result" };
  return [
    block([...sliding.padded, x.length], `A_prev${padded ? "" : ", padded"}, and the window in it`,
      { tints, padding: sliding.padding, parts: [window] }),
    arrow("·"),
    block(shapes.w.slice(0, 3), `W, filter ${k + 1}`, { tints }),
    arrow("→", biased ? "sum + b" : "sum"),
    block(shapes.z, `Z: ${cellName(`Z_${k + 1}`, [i, j])}`, { parts: [cell] }),
  ];
}

function stacked({ z, b, shapes, size, biased, parameters }, filters) {
  const bias = biased ? ` + ${b.length} of b` : "";
  return step(
    "The filters' planes, stacked",
    [
      ...filters.map((k) => grid(z[k], `filter ${k + 1}`, "done")),
      arrow("→", "stack"),
      block(shapes.z, "Z: out × out × n_f"),
    ],
    `learned numbers: ${by(shapes.w)} = ${size} of W${bias} = ${parameters}`,
  );
}
