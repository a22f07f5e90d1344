/* As explain/layer.py. */
const SHOWN_INPUTS = 4;

topics.layer = (ask) => {
  const problem = posed(ask), { w, shapes, tensors } = problem, g = activationOf(ask);
  const filters = shownOf(ask.filter, w.length, "filter"), a = planes(engine.activate(tensors.z, g)[0]);
  return {
    title: `A conv layer: ${by(shapes.x)} → ${by(shapes.z)}, g = ${g.name}`,
    steps: [dimensions(problem, g), ...filters.map((k) => filterStep(problem, g, a[k], k))],
  };
};

function dimensions({ sliding, output, w, shapes, size, biased, parameters, photo, tints }, g) {
  const count = w.length, adds = size * output[0] * output[1];
  return step(
    "Dimensions",
    ...photo,
    [
      block(shapes.x, "A_prev", { tints }),
      arrow("*"),
      block(shapes.w.slice(0, 3), `W of ${counted(count, "filter")}`, { count, tints }),
      arrow("+"),
      block([count], "b"),
      arrow("="),
      block(shapes.z, "Z"),
      arrow("→", `g = ${g.name}`),
      block(shapes.z, "A"),
    ],
    `A_prev: ${by(shapes.x)}, W: ${by(shapes.w)}, b: ${count}`,
    `Z and A: ${by(shapes.z)}`,
    `learned numbers: ${by(shapes.w)}${biased ? ` + ${count}` : ""} = ${withCommas(parameters)}`,
    `multiply-adds: ${by(shapes.w)} × ${by(output)} = ${withCommas(adds)}`,
    g.formula,
    ...sliding.sizeLines(),
  );
}

function filterStep({ sliding, x, w, b, z, biased, inputGrid }, g, a, k) {
  const n = k + 1, shown = x.slice(0, SHOWN_INPUTS);
  const rest = x.length > SHOWN_INPUTS ? ` (the first ${SHOWN_INPUTS} of ${x.length} channels are shown)` : "";
  return step(
    `Filter ${n}`,
    shown.map((_, c) => inputGrid(c, `A_prev, channel ${c + 1}`, sliding.paddingMarks)),
    [
      arrow("*"),
      ...shown.map((_, c) => grid(w[k][c], `W_${n}, channel ${c + 1}`, "kernel")),
      arrow("+"),
      formula(`b = ${number(b[k])}`),
      arrow("="),
    ],
    [grid(z[k], `Z_${n}`, "done"), arrow("→", `g = ${g.name}`), grid(a, `A_${n}`, "done")],
    `Z_${n} = W_${n} * A_prev${biased ? ` + ${factor(b[k])}` : ""}${rest}`,
    ...telling(z[k], a).map(([i, j]) => `${cellName(`A_${n}`, [i, j])} = g(${number(z[k][i][j])}) = ${number(a[i][j])}`),
  );
}

/** The cells whose g(Z) is told: the first, and the first below 0 that g changes. */
function telling(z, a) {
  const changed = every(z).filter(([i, j]) => z[i][j] < 0 && z[i][j] !== a[i][j]).slice(0, 1);
  return [[0, 0], ...changed.filter(([i, j]) => i || j)];
}
