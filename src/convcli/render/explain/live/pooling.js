/* As explain/pooling.py. */

/** The pool that settings describe. */
function pooled(ask) {
  const { input: x, pool: kind, count_include_pad: padsCount } = ask, plane = shapeOf(x[0]);
  const own = new Sliding(plane, { ...ask, ceilMode: ask.ceil_mode });
  checkCells(own);
  const hanging = own.remainder.map((unused) => Math.max(0, -unused));
  // Around the plane there is as much as the last window hangs over.
  const sides = own.padding.map(([before, after], axis) => [before, after + hanging[axis]]);
  const sliding = new Sliding(plane, { ...ask, padding: sides });
  const options = { kind, countIncludePad: padsCount, ...own.options };
  const zeros = kind === "mean" && padsCount ? 1 : 0;
  /** Whether a cell of the padded plane is one that a window takes a maximum or a mean of. */
  const counts = (cell) => AXES.every((axis) => {
    const [before, after] = own.padding[axis], at = cell[axis] - before;
    return -before * zeros <= at && at < plane[axis] + after * zeros;
  });
  return {
    ask, x, kind, sliding, output: own.output, options, counts,
    y: planes(engine.pool(tensor(x), options)),
    counted: (position) => sliding.under(position).filter(counts),
    within: ([i, j]) => [i - sliding.origin[0], j - sliding.origin[1]],
    channels: shownOf(ask.channel, x.length, "channel"),
  };
}

/** Refuse windows that would hold no cell, as shapes/pooling.py does. */
function checkCells({ plane, padding, dilation, span, stride, output }) {
  for (const axis of AXES) {
    const [before] = padding[axis], n = plane[axis], last = (output[axis] - 1) * stride[axis] - before;
    if (span[axis] > 1 && dilation[axis] > n) {
      const told = `A dilation of ${dilation[axis]} steps over all ${n} cells: use one of at most ${n}.`;
      throw new Misfit(told, "dilation");
    }
    if (before >= span[axis] || last >= n) {
      const which = before >= span[axis] ? "first" : "last", along = ["rows", "columns"][axis];
      throw new Misfit(`The ${which} window along the ${along} would lie on padding alone, where there is no maximum ` +
        `or mean: use a padding below the window's span of ${span[axis]}.`, "padding");
    }
  }
}

/** The cell of a window's maximum on the padded plane, the first where several tie. */
function maximumOf(problem, padded, position) {
  const at = ([i, j]) => padded[i][j];
  return problem.counted(position).reduce((most, cell) => (at(cell) > at(most) ? cell : most));
}

/** A channel with its padding, in which only what may count is shown. */
function poolInput({ ask, x, sliding, counts }, c, padded, caption, marks) {
  const pixels = { shade: shadeOf(c, x.length), margin: sliding.padding };
  const look = ask.pixels ? pixels : { tint: tintsOf(x.length)[c] ?? null };
  return grid(padded, caption, { ...sliding.paddingMarks, ...marks }, every(padded).filter(counts), look);
}

topics.pooling = (ask) => {
  const problem = pooled(ask), { sliding, x, y, channels } = problem;
  return {
    title: `${capitalised(problem.kind)} pooling ${by(sliding.size)}, stride ${by(sliding.stride)}: ` +
      `${by(volumeShape(x))} → ${by(volumeShape(y))}`,
    steps: channels.flatMap((c) => sliding.positions().map((position) => poolStep(problem, c, position))),
  };
};

function poolStep(problem, c, position) {
  const { sliding, output, kind } = problem, y = problem.y[c], [i, j] = position, value = y[i][j];
  const padded = sliding.pad(problem.x[c]), seen = sliding.seen(padded, position), uses = sliding.uses();
  const under = sliding.under(position), marks = roles(under, "window");
  const shown = every(seen).filter((_, n) => problem.counts(under[n]));
  const cells = shown.map(([row, column]) => seen[row][column]);
  let told = `(${cells.map(number).join(" + ")}) / ${cells.length} = ${number(value)}`;
  if (kind === "max") {
    const ties = cells.filter((cell) => cell === value).length;
    marks[key(maximumOf(problem, padded, position))] = "chosen";
    told = `max(${cells.map(number).join(", ")}) = ${number(value)}`;
    if (ties > 1) told += `, the first of ${ties} that tie`;
  }
  const gone = roles(every(uses).filter(([row, column]) => !uses[row][column]), "unused");
  const [known, done] = progress(position, output);
  return step(
    `Channel ${c + 1}: ${place(position)}`,
    [
      poolInput(problem, c, padded, `input, channel ${c + 1}`, { ...gone, ...marks }),
      arrow("→", kind),
      grid(seen, "window", "window", shown),
      arrow("→"),
      grid(y, `output, channel ${c + 1}`, done, known),
    ],
    `${cellName("out", position)} = ${told}`,
  );
}
