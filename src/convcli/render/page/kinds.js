"use strict";
/*
 * What a cell was made of, by the kinds that cell.js tells apart: its formula in numbers, grids, and further lines.
 *
 * Each is (cell, {layer, place, input, all, more}) → {result, rows, lines}: `layer` with its options, what stands
 * where, the shape of what went in; whether `all` is wanted, and more(left, what), a button that asks for it.
 */
const KINDS = (() => {
  const CHANNELS = 3; // that are shown unasked: those that add most
  const TERMS = 12; // of a dense layer, likewise

  /** A cell's name, as on paper: `Z_2[3, 1]`, or of plain numbers `Z[4]`. */
  const name = (letter, at) =>
    (at.length === 1 ? `${letter}[${at[0] + 1}]` : `${letter}_${at[2] + 1}[${at[0] + 1}, ${at[1] + 1}]`);

  /** A grid of numbers; mark(i, j) is the class of a cell, whose title is the number in full. */
  function grid(values, caption, mark = () => "") {
    const cell = (value, i, j) =>
      made("td", { className: mark(i, j), title: String(value), textContent: number(value) });
    const rows = values.map((line, i) => made("tr", {}, ...line.map((value, j) => cell(value, i, j))));
    return made("figure", {}, made("table", {}, made("tbody", {}, ...rows)), made("figcaption", {}, caption));
  }

  /** Pieces in a row; a piece with the sign before it is an array, and stays together. */
  const row = (...pieces) => made("div", { className: "row" }, ...pieces.map((piece) =>
    (Array.isArray(piece) ? made("span", {}, ...piece) : piece)));

  /** Numbers with commas, the middle left out where they are many. */
  const listed = (values) => total(values.map(number)).replaceAll(" + ", ", ");

  /** A = g(z) in numbers, where there is a g. */
  function activated({ z, a, at }, activation) {
    if (!activation || activation.type === "none") return [];
    return [`${name("A", at)} = ${activation.type}(${number(z)}) = ${number(a)}`];
  }

  /** Positions of numbers, the largest first, whatever their sign. */
  const bySize = (values) =>
    [...values.keys()].sort((p, q) => Math.abs(values[q]) - Math.abs(values[p]) || p - q);

  function window(cell, { layer, input, all, more }) {
    const { channels, rows, columns, bias, z, at } = cell, added = channels.map((under) => under.product ?? under.sum);
    const beside = (position, n) => position === null || position < 0 || position >= n;
    const under = (i, j) => (beside(rows[i], input[0]) || beside(columns[j], input[1]) ? "padding" : "window");
    const chosen = all ? [...channels.keys()] : bySize(added).slice(0, CHANNELS).sort((p, q) => p - q);
    const shown = chosen.map((n) => channels[n]), alone = channels.length === 1 && !("product" in channels[0]);
    const told = ({ channel, values, kernel, sum, factor: times, product }) => {
      const mixed = product === undefined ? "" : `, times ${factor(times)} = ${number(product)}`;
      return `channel ${channel + 1}: ${products(values, kernel)} = ${number(sum)}${mixed}`;
    };
    const whole = alone ? products(shown[0].values, shown[0].kernel, bias) : total(added.map(factor), bias);
    return {
      result: [`${name("Z", at)} = ${whole} = ${number(z)}`, ...activated(cell, layer.activation)],
      rows: [
        ...shown.map(({ channel, values, kernel, products: each, sum }) => row(
          grid(values, `channel ${channel + 1}`, under),
          ["∗", grid(kernel, `W, filter ${at[2] + 1}`, () => "kernel")],
          ["=", grid(each, `products, sum ${number(sum)}`)],
        )),
        more(channels.length - shown.length, "channels"),
      ],
      lines: alone ? [] : shown.map(told),
    };
  }

  function dense(cell, { layer, all, more }) {
    const { values, weights, products: each, bias, z, at } = cell;
    const shown = all ? [...each.keys()] : bySize(each).slice(0, TERMS), left = each.length - shown.length;
    const rest = z - (bias ?? 0) - shown.reduce((sum, n) => sum + each[n], 0);
    const terms = [...shown.map((n) => factor(each[n])), ...(left ? [`${factor(rest)} of ${left} more`] : [])];
    const cells = (n) => [[values, "window"], [weights, "kernel"], [each, ""]].map(([column, className]) =>
      made("td", { className, title: String(column[n]), textContent: number(column[n]) }));
    const head = ["from", "x", "W", "product"].map((title) => made("th", { scope: "col", textContent: title }));
    const body = shown.map((n) => made("tr", {}, made("th", { scope: "row", textContent: n + 1 }), ...cells(n)));
    const caption = left ? `The ${shown.length} of ${each.length} products that add most:` : "";
    return {
      result: [`${name("Z", at)} = ${total(terms, bias)} = ${number(z)}`, ...activated(cell, layer.activation)],
      rows: [
        made("p", { className: "faint", textContent: caption }),
        made("table", {}, made("thead", {}, made("tr", {}, ...head)), made("tbody", {}, ...body)),
        more(left, "products"),
      ],
    };
  }

  function maximum({ values, rows, columns, taken, channel, at, a }) {
    const mark = (i, j) => (rows[i] === taken[0] && columns[j] === taken[1] ? "chosen" : "window");
    return {
      result: [`${name("A", at)} = max(${listed(values.flat())}) = ${number(a)}`],
      rows: [row(grid(values, `map ${channel + 1}, where its largest number is in ${place(taken)}`, mark))],
    };
  }

  function mean({ values, channel, at, sum, count, a }) {
    const terms = total(values.flat().map(factor));
    return {
      result: [`${name("A", at)} = (${terms}) / ${count} = ${number(sum)} / ${count} = ${number(a)}`],
      rows: [row(grid(values, `map ${channel + 1}`, () => "window"))],
    };
  }

  function normalised({ x, mean: centre, variance, epsilon, gamma, beta, count, at, a }) {
    const scaled = `√(${number(variance)} + ${number(epsilon)}) · ${factor(gamma)}`;
    const figures = count === null ? "the running figures of training" : `those of ${count} numbers of this image`;
    return {
      result: [
        `${name("A", at)} = (x − mean) / √(variance + ε) · γ + β`,
        `= (${number(x)} − ${factor(centre)}) / ${scaled} + ${factor(beta)} = ${number(a)}`,
      ],
      lines: [`mean ${number(centre)} and variance ${number(variance)} are ${figures}`],
    };
  }

  function neighbours({ x, values, size, alpha, beta, k, at, a }) {
    const squares = total(values.map((value) => `${factor(value)}²`));
    const scale = `(${number(k)} + ${number(alpha)} / ${size} · (${squares}))^${number(beta)}`;
    return {
      result: [
        `${name("A", at)} = x / (k + α / size · Σ x²)^β, over its channel and those beside it`,
        `= ${number(x)} / ${scale} = ${number(a)}`,
      ],
    };
  }

  function activation(cell, { layer, place: { formula } }) {
    const { among, z, a, at } = cell;
    const shared = among && `${name("A", at)} = exp(${number(z)}) / Σ exp(z) over ${listed([...among])} = ${number(a)}`;
    return { result: [formula, ...(among ? [shared] : activated(cell, layer.function))].filter(Boolean) };
  }

  const scaled = ({ x, factor: times, at, a }) =>
    ({ result: [`${name("A", at)} = ${factor(x)}·${factor(times)} = ${number(a)}`] });

  function shares({ cells, at, a }) {
    const [values, weights] = [cells.map(({ value }) => value), cells.map(({ share }) => share)];
    return {
      result: [`${name("A", at)} = ${products(values, weights)} = ${number(a)}`],
      lines: [`from ${cells.map(({ row: i, column }) => place([i, column])).join("; ")}`],
    };
  }

  function added(cell, { layer, ...shown }) {
    const { parts, z, at } = cell, past = parts.find(({ shortcut }) => shortcut)?.shortcut;
    const { result = [], rows, lines = [] } = past ? window({ ...past, at }, { layer: {}, ...shown }) : {};
    const through = past ? "the input, through a convolution of 1 × 1" : "the input";
    const from = parts.map((part) => `${part.layer === null ? through : `layer ${part.layer}`}: ${number(part.value)}`);
    const whole = total(parts.map(({ value }) => factor(value)));
    return {
      result: [`${name("Z", at)} = ${whole} = ${number(z)}`, ...activated(cell, layer.activation), ...from],
      rows,
      lines: [...result, ...lines],
    };
  }

  function same({ layer, from, at, a }) {
    const whose = layer === null ? "the layer before" : `layer ${layer}`;
    return { result: [`${name("A", at)} = ${name("A", from)} of ${whose} = ${number(a)}`] };
  }

  return {
    window, dense, maximum, mean, normalised, neighbours, activation, scaled, shares, added, same,
  };
})();
