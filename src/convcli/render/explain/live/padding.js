/* As explain/padding.py. */
topics.padding = (ask) => {
  const names = ["valid", "same", "full"];
  const padded = (padding) => convolved({ ...ask, padding }), { sliding } = padded("valid");
  const variants = names.map((name) => [name, padded(name)]);
  if (ask.padding !== null) variants.push([`p = ${shortSides(ask.padding)}`, padded(ask.padding)]);
  return {
    title: `Padding: ${by(sliding.plane)} * ${by(sliding.size)}`,
    steps: [...variants.map(([name, variant]) => paddedStep(name, variant)), influence(variants)],
  };
};

function paddedStep(name, { sliding, output, w, z, inputGrid }) {
  const caption = `${name}: ${by(sliding.plane)}`;
  const more = by(sliding.padded) === by(sliding.plane) ? "" : ` padded to ${by(sliding.padded)}`;
  return step(
    `Padding ${name}`,
    [
      inputGrid(0, caption + more, sliding.paddingMarks),
      arrow("*"),
      grid(w[0][0], "kernel", "kernel"),
      arrow("="),
      grid(z[0], `output ${by(output)}`, "done"),
    ],
    ...sliding.sizeLines(),
  );
}

function influence(variants) {
  const counts = variants.map(([name, { sliding }]) => [name, sliding.crop(sliding.uses())]);
  const hottest = Math.max(...counts.flatMap(([, uses]) => uses.flat()));
  const lines = counts.map(([name, uses]) => {
    const most = Math.max(...uses.flat()), corner = uses[0][0];
    return most && `${name}: a corner is used ${counted(corner, "time")}, the most used pixel ` +
      `${number(most)}: ${number(corner / most)} of its influence`;
  });
  return step(
    "How often each pixel is used",
    counts.map(([name, uses]) => heatMap(uses, `${name}: times each pixel is used`, hottest)),
    ...lines.filter(Boolean),
  );
}
