/* As explain/backward.py. */
topics.backward = (ask) => {
  const problem = posed(ask), { w, x, output, shapes } = problem, ones = w.map(() => matrix(output, () => 1));
  const back = goneBack(problem, activationOf(ask), gradientOf(ask, shapes.z, "1 everywhere") ?? ones);
  const filters = shownOf(ask.filter, w.length, "filter"), channels = shownOf(ask.channel, x.length, "channel");
  const pairs = filters.flatMap((k) => channels.map((c) => [c, k])), gradients = `dW ${by(shapes.w)}, db ${w.length}`;
  return {
    title: `Backward of a conv layer: dA ${by(shapes.z)} → ${gradients}, dA_prev ${by(shapes.x)}`,
    steps: [
      ...filters.flatMap((k) => [forward(back, channels[0], k), throughActivation(back, k), biasStep(back, k)]),
      ...pairs.flatMap(([c, k]) => every(w[k][c]).map((cell) => weightStep(back, c, k, cell))),
      ...pairs.flatMap(([c, k]) => inputSteps(back, c, k)),
      ...channels.map((c) => croppedStep(back, c)),
      checkedStep(back, filters, channels),
    ],
  };
};

/** Which channel and filter a caption speaks of, where there are several. */
function namesFor({ problem: { w, x } }, c, k) {
  const words = [k !== null && w.length > 1 && `filter ${k + 1}`, c !== null && x.length > 1 && `channel ${c + 1}`];
  return words.filter(Boolean).map((word) => `, ${word}`).join("");
}

/** Whether the full convolution has zeros between the cells of dZ, or further ones. */
const dilates = (back) => Math.max(...back.problem.sliding.stride) > 1;
const isPadded = ({ problem: { sliding: { plane, padded } } }) => by(plane) !== by(padded);
const inputName = (back, c) => `A_prev${namesFor(back, c, null)}${isPadded(back) ? ", padded" : ""}`;

function forward(back, c, k) {
  const { sliding, w, b, z, photo, inputGrid } = back.problem;
  return step(
    `Forward${namesFor(back, null, k)}`,
    ...photo,
    [
      inputGrid(c, inputName(back, c), sliding.paddingMarks),
      arrow("*"),
      grid(w[k][c], `W${namesFor(back, c, k)}`, "kernel"),
      arrow("+", `b = ${number(b[k])}`),
      arrow("="),
      grid(z[k], "Z", "done"),
      arrow("→", `g = ${back.g.name}`),
      grid(back.a[k], "A", "done"),
    ],
    "Z = W * A_prev + b, A = g(Z)",
  );
}

function throughActivation(back, k) {
  const da = back.da[k], slope = back.slope[k], dz = back.dz[k];
  const reason = silence(back, k), names = namesFor(back, null, k);
  // Besides the first cell the first whose gradient g holds back.
  const held = every(dz).filter(([i, j]) => da[i][j] && !dz[i][j]).slice(0, 1).filter(([i, j]) => i || j);
  return step(
    `dZ: back through g${names}`,
    [grid(da, `dA${names}`), arrow("·"), grid(slope, "g′(Z)"), arrow("="), grid(dz, "dZ", "done")],
    `dZ = dA · g′(Z), ${back.g.formula}`,
    ...[[0, 0], ...held].map(([i, j]) =>
      `${cellName("dZ", [i, j])} = ${factor(da[i][j])}·${factor(slope[i][j])} = ${number(dz[i][j])}`),
    ...(reason ? [`${reason}: no gradient comes through`] : []),
  );
}

function biasStep(back, k) {
  const dz = back.dz[k], db = back.db[k], names = namesFor(back, null, k);
  return step(
    `db: the sum of dZ${names}`,
    [grid(dz, `dZ${names}`, "window"), arrow("→", "sum"), grid([[db]], "db", { "0,0": "result" })],
    `db = ${total(dz.flat().map(factor))} = ${number(db)}`,
  );
}

/** One cell of dW: the pixels that its weight was multiplied with, times dZ. */
function weightStep(back, c, k, cell) {
  const { sliding, x, inputGrid } = back.problem, dz = back.dz[k], dw = back.dw[k][c];
  const padded = sliding.pad(x[c]), [down, across] = sliding.stride;
  const top = cell[0] * sliding.dilation[0], left = cell[1] * sliding.dilation[1];
  const seen = matrix(shapeOf(dz), (i, j) => padded[i * down + top][j * across + left]);
  const met = every(dz).map(([i, j]) => [i * down + top, j * across + left]);
  const [known, marks] = progress(cell, sliding.size), shares = times(seen, dz);
  return step(
    `dW: A_prev correlated with dZ${namesFor(back, c, k)}: ${place(cell)}`,
    [
      inputGrid(c, inputName(back, c), { ...sliding.paddingMarks, ...roles(met, "window") }),
      arrow("·"),
      grid(dz, `dZ${namesFor(back, null, k)}`, "kernel"),
      arrow("=", "products"),
      grid(shares, "", "window"),
      arrow("→", "sum"),
      grid(dw, `dW${namesFor(back, c, k)}`, marks, known),
    ],
    `${cellName("dW", cell)} = ${products(seen, dz)} = ${number(dw[cell[0]][cell[1]])}`,
  );
}

/** What becomes of dZ and the kernel, and then each cell of their full convolution, before the crop. */
function inputSteps(back, c, k) {
  const spread = dilated(back, k), sliding = fullSliding(back, k), padded = sliding.pad(spread), full = fullOf(back, c, k);
  const { sliding: { stride: [down, across] }, output: [rows, columns], w } = back.problem;
  const own = ([i, j]) => i % down === 0 && j % across === 0 && i < rows * down && j < columns * across;
  const inserted = every(spread).filter((cell) => !own(cell)), [top, left] = sliding.origin;
  const zeros = every(padded).filter(([i, j]) => !sliding.inside([i, j]) || !own([i - top, j - left]));
  const parts = { spread, sliding, padded, full, rotated: turned(w[k][c]), zeros: roles(zeros, "padding") };
  return [
    prepared(back, c, k, parts, roles(inserted, "padding")),
    ...every(full).map((cell) => fullStep(back, c, k, parts, cell)),
  ];
}

function prepared(back, c, k, { spread, padded, zeros, rotated }, inserted) {
  const { sliding, w } = back.problem, extra = sliding.remainder, reach = sliding.span.map((span) => span - 1);
  const more = AXES.map((axis) => {
    const [before, after] = sliding.padding[axis], s = sliding.stride[axis];
    return `(${sliding.plane[axis]} + ${before + after} − ${sliding.span[axis]}) mod ${s} = ${extra[axis]}`;
  });
  const dilating = [
    arrow("→", `s − 1 zeros between, ${extra[0]} + ${extra[1]} more`),
    grid(spread, `dilated: ${by(shapeOf(spread))}`, inserted),
  ];
  return step(
    `dA_prev: dZ ${dilates(back) ? "dilated" : "padded"}, the kernel rotated${namesFor(back, c, k)}`,
    [
      grid(w[k][c], `W${namesFor(back, c, k)}`, "kernel"),
      arrow("→", "rotated by 180°"),
      grid(rotated, "W rotated", "kernel"),
    ],
    [
      grid(back.dz[k], `dZ${namesFor(back, null, k)}`),
      ...(dilates(back) ? dilating : []),
      arrow("→", "full padding"),
      grid(padded, `padded by ${by(reach)}: ${by(shapeOf(padded))}`, zeros),
    ],
    ...(dilates(back) ? [`further zeros: (n + 2p − f) mod s: ${more.join(", ")} (rows, columns)`] : []),
  );
}

function fullStep(back, c, k, { sliding, padded, full, zeros, rotated }, cell) {
  const [known, marks] = progress(cell, shapeOf(full)), shown = new Set(known.map(key)), [i, j] = cell;
  const outside = Object.entries(back.problem.sliding.paddingMarks).filter(([at]) => shown.has(at));
  return step(
    `dA_prev: full convolution${namesFor(back, c, k)}: ${place(cell)}`,
    [
      grid(padded, `dZ, ${dilates(back) ? "dilated and " : ""}padded${namesFor(back, null, k)}`,
        { ...zeros, ...roles(sliding.under(cell), "window") }),
      arrow("·"),
      grid(rotated, "W rotated", "kernel"),
      arrow("→", "sum"),
      grid(full, `dA_prev${isPadded(back) ? ", still with its padding" : ""}`,
        { ...marks, ...Object.fromEntries(outside), [key(cell)]: "result" }, known),
    ],
    `${cellName("full", cell)} = ${products(sliding.seen(padded, cell), rotated)} = ${number(full[i][j])}`,
  );
}

/** The sum over the filters, without the padding. */
function croppedStep(back, c) {
  const { w, sliding } = back.problem, dx = back.dx[c], all = w.map((_, k) => fullOf(back, c, k));
  const summed = matrix(sliding.padded, (i, j) => sum(all.map((full) => full[i][j])));
  const words = w.length > 1 ? `sum over ${w.length} filters` : "full convolution";
  return step(
    `dA_prev: cropped${namesFor(back, c, null)}`,
    [
      grid(summed, `${words}: ${by(shapeOf(summed))}`, sliding.paddingMarks),
      arrow("→", isPadded(back) ? "crop by p" : "p = 0: nothing to crop"),
      grid(dx, `dA_prev${namesFor(back, c, null)}: ${by(shapeOf(dx))}`, "done"),
    ],
    `dA_prev has the size of A_prev: ${by(shapeOf(dx))}`,
  );
}

function checkedStep(back, filters, channels) {
  const errors = check(back, filters, channels), { g, problem: { z } } = back;
  const kinks = filters.flatMap((k) => z[k].flat()).filter((value) => onKink(g, value)).length;
  const table = grid(Object.values(errors).map((error) => [error]), "largest relative error");
  return step(
    "A numeric check of each gradient",
    [{ ...table, names: Object.keys(errors) }],
    "each gradient against (L(v + h) − L(v − h)) / 2h, extrapolated to h → 0, in float64",
    ...(kinks ? [`left out: ${counted(kinks, "cell")} with Z = ${g.kinks.map(number).join(" or ")}, ` +
      `where ${g.name} has no derivative`] : []),
  );
}
