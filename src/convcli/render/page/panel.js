"use strict";
/*
 * What one cell of a layer was made of: what it sees of the image, the window, the products, the sum, as explained.
 */
class CellPanel {
  static CHANNELS = 3; // that are shown unasked: those that add most
  static TERMS = 12; // of a dense layer, likewise

  constructor(net) {
    Object.assign(this, { net, place: null, at: null, image: null, run: null, all: false, stepped() {}, closed() {} });
    find("cell-close").onclick = () => this.close();
    for (const button of find("cell").querySelectorAll("[data-way]")) {
      button.onclick = () => this.stepped(button.dataset.way.split(",").map(Number));
    }
    addEventListener("keydown", (event) => { if (event.key === "Escape" && this.place) this.close(); });
  }

  /** Show the cell of a layer. */
  choose(place, at) {
    if (this.place !== place) this.all = false;
    Object.assign(this, { place, at });
    find("cell").hidden = false;
    this.draw();
    find("spoken").textContent = `${find("cell-title").textContent}: ${find("cell-value").textContent}`;
  }

  /** Show the same cell for another image. */
  show(image, run) {
    Object.assign(this, { image, run });
    this.draw();
  }

  close() {
    this.place = null;
    find("cell").hidden = true;
    this.closed();
  }

  draw() {
    if (!this.place || !this.run) return;
    const { place, at } = this, cell = engine.cell(this.run, place.number, at), { layer } = this.run.record(place.number);
    const where = at.length === 1 ? `number ${at[0] + 1}` : `map ${at[2] + 1}, row ${at[0] + 1}, column ${at[1] + 1}`;
    find("cell-title").textContent = `Layer ${place.number}, ${where}`;
    find("cell-value").textContent = numbers.short(cell.a);
    find("cell-layer").textContent = place.title;
    this.field(cell.seen);
    const { result, rows = [], lines = [] } = CellPanel.KINDS[cell.kind](cell, layer, this);
    const written = (texts) => texts.map((text) => made("p", { className: "formula", textContent: text }));
    find("cell-result").replaceChildren(...written(result));
    find("cell-rows").replaceChildren(...rows);
    find("cell-lines").replaceChildren(...written(lines));
  }

  /** Outline what the cell sees of the image. */
  field(seen) {
    const [rows, columns] = this.image.shape, mark = find("cell-field");
    colours.show(find("cell-image"), this.image);
    mark.hidden = !seen;
    if (!seen) {
      find("cell-sees").textContent = "It sees all of the image, or parts that differ from cell to cell.";
      return;
    }
    const { top, left, height, width } = seen;
    mark.style.cssText = `left:${(100 * left) / columns}%;top:${(100 * top) / rows}%;`
      + `width:${(100 * width) / columns}%;height:${(100 * height) / rows}%`;
    const beyond = top < 0 || left < 0 || top + height > rows || left + width > columns;
    find("cell-sees").textContent = `It sees ${height} × ${width} pixels from row ${numbers.short(top + 1)}, `
      + `column ${numbers.short(left + 1)}${beyond ? "; beyond the edge is padding" : ""}.`;
  }

  // Pieces -----------------------------------------------------------------------------------------------

  /** The name of the cell, as on paper. */
  static name(letter, at) {
    return at.length === 1 ? `${letter}[${at[0] + 1}]` : `${letter}_${at[2] + 1}[${at[0] + 1}, ${at[1] + 1}]`;
  }

  /** A grid of numbers; mark(i, j) is the class of a cell. */
  static grid(values, caption, mark = () => "") {
    const rows = values.map((row, i) => made("tr", {}, ...row.map((value, j) =>
      made("td", { className: mark(i, j), title: String(value), textContent: numbers.short(value) }))));
    return made("figure", {}, made("table", {}, made("tbody", {}, ...rows)), made("figcaption", {}, caption));
  }

  /** Pieces in a row, each of which stays with the sign before it. */
  static row(...parts) {
    return made("div", { className: "row" }, ...parts.map((part) => (Array.isArray(part) ? made("span", {}, ...part) : part)));
  }

  /** A = g(z) in numbers, where there is a g. */
  activated(cell, activation) {
    if (!activation || activation.type === "none") return [];
    const { short } = numbers;
    return [`${CellPanel.name("A", cell.at)} = ${activation.type}(${short(cell.z)}) = ${short(cell.a)}`];
  }

  /** A button that shows what was left out. */
  more(left, what) {
    const button = made("button", { type: "button", textContent: `Show ${left} more ${what}` });
    button.onclick = () => {
      this.all = true;
      this.draw();
    };
    return left > 0 && !this.all ? [button] : [];
  }

  // Kinds: {result, rows, lines} of a cell: its formula, grids, and what these come to ------------------------------------------------------------------------

  static KINDS = {
    window(cell, { activation }, panel) {
      const { channels, rows, columns, bias, z, at } = cell, { short, factor, products, total } = numbers;
      const input = panel.run.input(cell.number).shape, added = ({ sum, product }) => product ?? sum;
      const beside = (i, j) => rows[i] === null || columns[j] === null
        || rows[i] < 0 || columns[j] < 0 || rows[i] >= input[0] || columns[j] >= input[1];
      const order = channels.toSorted((a, b) => Math.abs(added(b)) - Math.abs(added(a)));
      const shown = panel.all ? channels : order.slice(0, CellPanel.CHANNELS).toSorted((a, b) => channels.indexOf(a) - channels.indexOf(b));
      const grids = shown.map((under) => CellPanel.row(
        CellPanel.grid(under.values, `channel ${under.channel + 1}`, (i, j) => (beside(i, j) ? "padding" : "window")),
        ["∗", CellPanel.grid(under.kernel, `W, filter ${at[2] + 1}`, () => "kernel")],
        ["=", CellPanel.grid(under.products, `products, sum ${short(under.sum)}`)],
      ));
      const name = CellPanel.name("Z", at), whole = total(channels.map((under) => factor(added(under))), bias);
      const pairsOf = (under) => under.values.flatMap((row, i) => row.map((value, j) => [value, under.kernel[i][j]]));
      const alone = channels.length === 1 && channels[0].product === undefined;
      const sums = (alone ? [] : shown).map((under) => {
        const pairs = pairsOf(under);
        const mixed = under.product === undefined ? "" : `, times ${factor(under.factor)} = ${short(under.product)}`;
        return `channel ${under.channel + 1}: ${products(pairs)} = ${short(under.sum)}${mixed}`;
      });
      return {
        rows: [...grids, ...panel.more(channels.length - shown.length, "channels")],
        result: [`${name} = ${alone ? products(pairsOf(channels[0]), bias) : whole} = ${short(z)}`, ...panel.activated(cell, activation)],
        lines: sums,
      };
    },

    dense(cell, { activation }, panel) {
      const { values, weights, products, bias, z, at } = cell, { short, factor, total } = numbers;
      const order = [...products.keys()].sort((a, b) => Math.abs(products[b]) - Math.abs(products[a]) || a - b);
      const shown = panel.all ? [...products.keys()] : order.slice(0, CellPanel.TERMS), left = products.length - shown.length;
      const table = [shown.map((n) => values[n]), shown.map((n) => weights[n]), shown.map((n) => products[n])];
      const columns = shown.map((n, k) => table.map((line) => line[k]));
      const head = made("tr", {}, ...["from", "x", "W", "product"].map((title) => made("th", { scope: "col", textContent: title })));
      const body = columns.map((line, k) => made("tr", {},
        made("th", { scope: "row", textContent: String(shown[k] + 1) }),
        ...line.map((value, c) => made("td", { className: ["window", "kernel", ""][c], title: String(value), textContent: short(value) }))));
      const rest = left > 0 ? z - (bias ?? 0) - shown.reduce((sum, n) => sum + products[n], 0) : 0;
      const terms = shown.map((n) => factor(products[n]));
      if (left > 0) terms.push(`${factor(rest)} of ${left} more`);
      return {
        rows: [
          made("p", { className: "faint", textContent: left > 0 ? `The ${shown.length} of ${products.length} products that add most:` : "" }),
          CellPanel.row(made("figure", {}, made("table", {}, made("thead", {}, head), made("tbody", {}, ...body)))),
          ...panel.more(left, "products"),
        ],
        result: [`${CellPanel.name("Z", at)} = ${total(terms, bias)} = ${short(z)}`, ...panel.activated(cell, activation)],
      };
    },

    maximum({ values, rows, columns, taken, channel, at, a }) {
      const largest = (i, j) => (rows[i] === taken[0] && columns[j] === taken[1] ? "chosen" : "window");
      return {
        rows: [CellPanel.row(CellPanel.grid(values, `map ${channel + 1}, its largest number marked`, largest))],
        result: [`${CellPanel.name("A", at)} = max(${CellPanel.listed(values.flat())}) = ${numbers.short(a)}, `
          + `from row ${taken[0] + 1}, column ${taken[1] + 1}`],
      };
    },

    mean({ values, channel, at, sum, count, a }) {
      const { short, factor, total } = numbers, terms = values.flat();
      return {
        rows: [CellPanel.row(CellPanel.grid(values, `map ${channel + 1}`, () => "window"))],
        result: [`${CellPanel.name("A", at)} = (${total(terms.map(factor))}) / ${count} = ${short(sum)} / ${count} = ${short(a)}`],
      };
    },

    normalised({ x, mean, variance, epsilon, gamma, beta, count, at, a }) {
      const { short, factor } = numbers, scaled = `√(${short(variance)} + ${short(epsilon)}) · ${factor(gamma)}`;
      const figures = count === null ? "the running figures of training" : `those of ${count} numbers of this image`;
      return {
        result: [
          `${CellPanel.name("A", at)} = (x − mean) / √(variance + ε) · γ + β`,
          `= (${short(x)} − ${factor(mean)}) / ${scaled} + ${factor(beta)} = ${short(a)}`,
        ],
        lines: [`mean ${short(mean)} and variance ${short(variance)} are ${figures}`],
      };
    },

    neighbours({ x, values, size, alpha, beta, k, at, a }) {
      const { short, factor, total } = numbers, squares = total(values.map((value) => `${factor(value)}²`));
      return {
        result: [
          `${CellPanel.name("A", at)} = x / (k + α / size · Σ x²)^β, over its channel and those beside it`,
          `= ${short(x)} / (${short(k)} + ${short(alpha)} / ${size} · (${squares}))^${short(beta)} = ${short(a)}`,
        ],
      };
    },

    activation(cell, { function: g }, panel) {
      const { among, z, a, at } = cell, { short } = numbers;
      if (!among) return { result: [panel.place.formula, ...panel.activated(cell, g)].filter(Boolean) };
      return {
        result: [panel.place.formula, `${CellPanel.name("A", at)} = exp(${short(z)}) / Σ exp(z) over `
          + `${CellPanel.listed([...among])} = ${short(a)}`].filter(Boolean),
      };
    },

    scaled({ x, factor, at, a }) {
      return { result: [`${CellPanel.name("A", at)} = ${numbers.factor(x)}·${numbers.factor(factor)} = ${numbers.short(a)}`] };
    },

    shares({ cells, at, a }) {
      const shared = numbers.products(cells.map(({ value, share }) => [value, share]));
      const from = cells.map(({ row, column }) => `row ${row + 1}, column ${column + 1}`);
      return {
        result: [`${CellPanel.name("A", at)} = ${shared} = ${numbers.short(a)}`],
        lines: [`from ${from.join("; ")}`],
      };
    },

    added(cell, { activation }, panel) {
      const { parts, z, at } = cell, { short, factor, total } = numbers;
      const past = parts.find(({ shortcut }) => shortcut)?.shortcut;
      const convolved = past && CellPanel.KINDS.window({ ...past, number: cell.number, at }, {}, panel);
      const through = past ? "the input, through a convolution of 1 × 1" : "the input";
      const from = parts.map(({ layer, value }) => `${layer === null ? through : `layer ${layer}`}: ${short(value)}`);
      const whole = total(parts.map(({ value }) => factor(value)));
      return {
        result: [`${CellPanel.name("Z", at)} = ${whole} = ${short(z)}`, ...panel.activated(cell, activation), ...from],
        rows: convolved?.rows,
        lines: convolved && [...convolved.result, ...convolved.lines],
      };
    },

    same({ layer, from, at, a }, _, panel) {
      const source = layer === null ? "the layer before" : `layer ${layer}`;
      const name = panel.run.input(panel.place.number).shape.length === from.length || layer !== null ? CellPanel.name("A", from) : from.join(", ");
      return { result: [`${CellPanel.name("A", at)} = ${name} of ${source} = ${numbers.short(a)}`] };
    },
  };

  /** Numbers with commas, the middle left out where they are many. */
  static listed(values) {
    return numbers.total(values.map((value) => numbers.short(value))).replaceAll(" + ", ", ");
  }
}
