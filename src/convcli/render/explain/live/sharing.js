/* As explain/sharing.py. */
const MOST_INPUTS = 36, MOST_OUTPUTS = 25;

topics.sharing = (ask) => {
  const problem = posed(ask), { sliding, output, x } = problem;
  const inputs = every(x[0]).length, outputs = cellsOf(output).length;
  if (inputs > MOST_INPUTS || outputs > MOST_OUTPUTS) {
    throw new Misfit(`sharing draws at most ${MOST_INPUTS} inputs and ${MOST_OUTPUTS} outputs; these are ` +
      `${inputs} and ${outputs}. Take a smaller input, such as 4 × 4, or a larger stride.`);
  }
  const links = linksOf(problem), named = { inputs: namesOf("x", inputs), outputs: Array.from({ length: outputs }, (_, n) => roman(n + 1)) };
  return {
    title: `Pruning and sharing: ${by(sliding.plane)} * ${by(sliding.size)} → ${by(output)}`,
    steps: [
      ...graphSteps(problem, links, named),
      ...sliding.positions().map((_, end) => feeding(problem, links, named, end)),
    ],
  };
};

const namesOf = (letter, count) => Array.from({ length: count }, (_, n) => `${letter}${n + 1}`);

/** A number of up to 39 as Romans wrote it. */
function roman(count) {
  const ones = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
  return "X".repeat(Math.floor(count / 10)) + ones[count % 10];
}

/** What each weight is, in row order of the kernel. */
const legendOf = ({ w }) => w[0][0].flat().map((value, n) => `w${n + 1} = ${number(value)}`);

function weightsGrid({ w }) {
  const kernel = w[0][0], last = kernel.flat().length;
  return grid(kernel, last > 1 ? `the weights w1 … w${last}` : "the weight w1", "kernel");
}

/** What connects pixels and outputs; zeros of the padding are no inputs. */
function linksOf({ sliding }) {
  const [top, left] = sliding.origin, columns = sliding.plane[1];
  return sliding.positions().flatMap((position, end) =>
    sliding.under(position)
      .map((cell, weight) => [cell, weight])
      .filter(([cell]) => sliding.inside(cell))
      .map(([[i, j], weight]) => [(i - top) * columns + j - left, end, weight, true]));
}

function graphSteps(problem, links, { inputs, outputs }) {
  const { w } = problem;
  const n = inputs.length, m = outputs.length, left = links.length, shared = w[0][0].flat().length;
  const everything = outputs.flatMap((_, end) => inputs.map((_, start) => [start, end, null, true]));
  const legend = (own) => (own.some(([, , weight]) => weight !== null) ? legendOf(problem) : []);
  const drawn = (own, caption) => graph(inputs, outputs, own, caption, legend(own));
  const dense = `dense: ${n} · ${m} = ${n * m} connections; ${n * m} weights + ${m} biases = ${n * m + m} parameters`;
  const unshared = `pruned: ${left} of ${n * m} connections; if no weight were shared: ` +
    `${left} weights + ${m} biases = ${left + m} parameters`;
  const convolution = `convolution: ${left} connections; ${shared} weights + 1 bias = ${shared + 1} parameters`;
  const repeating = shared > LINK_COLOURS ? `; after ${LINK_COLOURS} they begin again` : "";
  const one = drawn(everything, "dense: every input feeds every output");
  const two = drawn(links.map(([start, end]) => [start, end, null, true]), "pruned: an output sees only its window");
  const three = drawn(links, `convolution: one colour is one shared weight${repeating}`);
  return [
    step("A dense layer beside the convolution", [one, arrow("→"), three], dense, convolution),
    step("Dense: every input feeds every output", [one], dense),
    step("Pruned: an output sees only its window", [two], unshared),
    step("Shared: every output uses the same weights", [three, weightsGrid(problem)], convolution),
  ];
}

/** What feeds one output. */
function feeding(problem, links, { inputs, outputs }, end) {
  const { output, x, w, b, z, biased } = problem, own = links.filter((link) => link[1] === end), name = outputs[end];
  const pixels = x[0].flat(), kernel = w[0][0].flat(), value = z[0][Math.floor(end / output[1])][end % output[1]];
  const letters = total(own.map(([start, , weight]) => `w${weight + 1}·x${start + 1}`));
  const numbers = own.map(([start, , weight]) => `${factor(kernel[weight])}·${factor(pixels[start])}`);
  const shown = links.map(([start, to, weight]) => [start, to, weight, to === end]);
  const [known, marks] = progress([Math.floor(end / output[1]), end % output[1]], output);
  const legend = links.length ? legendOf(problem) : [];
  return step(
    `Output ${name}`,
    [
      graph(inputs, outputs, shown, `what feeds ${name}`, legend),
      weightsGrid(problem),
      arrow("→"),
      grid(z[0], "outputs", marks, known),
    ],
    `${name} = ${letters}${biased ? " + b" : ""}`,
    `${name} = ${total(numbers, biased ? b[0] : null)} = ${number(value)}`,
  );
}
