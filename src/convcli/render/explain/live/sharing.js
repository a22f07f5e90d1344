/* As explain/sharing.py. */
const MOST_INPUTS = 36, MOST_OUTPUTS = 25;

topics.sharing = (ask) => {
  const problem = posed(ask), { sliding, output, x } = problem;
  const inputs = every(x[0]).length, outputs = cellsOf(output).length;
  if (inputs > MOST_INPUTS || outputs > MOST_OUTPUTS) {
    throw new Misfit(`sharing draws at most ${MOST_INPUTS} inputs and ${MOST_OUTPUTS} outputs; these are ` +
      `${inputs} and ${outputs}. Take a smaller input, such as 4 × 4, or a larger stride.`);
  }
  const links = linksOf(problem), named = { inputs: namesOf("x", inputs), outputs: namesOf("y", outputs) };
  return {
    title: `Pruning and sharing: ${by(sliding.plane)} * ${by(sliding.size)} → ${by(output)}`,
    steps: [
      ...graphSteps(problem, links, named),
      ...sliding.positions().map((_, end) => feeding(problem, links, named, end)),
    ],
  };
};

const namesOf = (letter, count) => Array.from({ length: count }, (_, n) => `${letter}${n + 1}`);

/** What connects pixels and outputs; zeros of the padding are no inputs. */
function linksOf({ sliding }) {
  const [top, left] = sliding.origin, columns = sliding.plane[1];
  return sliding.positions().flatMap((position, end) =>
    sliding.under(position)
      .map((cell, weight) => [cell, weight])
      .filter(([cell]) => sliding.inside(cell))
      .map(([[i, j], weight]) => [(i - top) * columns + j - left, end, weight, true]));
}

function graphSteps({ w }, links, { inputs, outputs }) {
  const n = inputs.length, m = outputs.length, left = links.length, shared = w[0][0].flat().length;
  const everything = outputs.flatMap((_, end) => inputs.map((_, start) => [start, end, null, true]));
  const drawn = (own, caption) => graph(inputs, outputs, own, caption);
  const dense = `dense: ${n} · ${m} = ${n * m} connections; ${n * m} weights + ${m} biases = ${n * m + m} parameters`;
  const unshared = `pruned: ${left} of ${n * m} connections; if no weight were shared: ` +
    `${left} weights + ${m} biases = ${left + m} parameters`;
  const convolution = `convolution: ${left} connections; ${shared} weights + 1 bias = ${shared + 1} parameters`;
  const one = drawn(everything, "dense: every input feeds every output");
  const two = drawn(links.map(([start, end]) => [start, end, null, true]), "pruned: an output sees only its window");
  const three = drawn(links, "convolution: one colour is one shared weight");
  return [
    step("A dense layer beside the convolution", [one, arrow("→"), three], dense, convolution),
    step("Dense: every input feeds every output", [one], dense),
    step("Pruned: an output sees only its window", [two], unshared),
    step("Shared: every output uses the same weights", [three, grid(w[0][0], "the weights", "kernel")], convolution),
  ];
}

/** What feeds one output. */
function feeding({ output, x, w, b, z, biased }, links, { inputs, outputs }, end) {
  const own = links.filter((link) => link[1] === end), name = outputs[end];
  const pixels = x[0].flat(), kernel = w[0][0].flat(), value = z[0][Math.floor(end / output[1])][end % output[1]];
  const letters = total(own.map(([start, , weight]) => `w${weight + 1}·x${start + 1}`));
  const numbers = own.map(([start, , weight]) => `${factor(pixels[start])}·${factor(kernel[weight])}`);
  const shown = links.map(([start, to, weight]) => [start, to, weight, to === end]);
  return step(
    `Output ${name}`,
    [graph(inputs, outputs, shown, `what feeds ${name}`), grid(w[0][0], "the weights", "kernel")],
    `${name} = ${letters}${biased ? " + b" : ""}`,
    `${name} = ${total(numbers, biased ? b[0] : null)} = ${number(value)}`,
  );
}
