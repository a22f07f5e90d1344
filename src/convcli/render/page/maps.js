"use strict";
/*
 * Every layer's feature maps: rows and columns of numbers as colours, of which one cell may be chosen.
 */
class Maps {
  static FIRST = 16; // maps that are shown unasked
  static OPEN = 3; // layers that are

  /** `chosen(place, at)`, with [row, column, channel] or [index], is called when a reader chooses a cell. */
  constructor(net, chosen) {
    Object.assign(this, { net, chosen, run: null, mark: made("span", { className: "mark" }) });
    this.layers = net.document.places.map((place, n) => this.layer(place, n));
    find("layers").append(...this.layers.map(({ box }) => box));
    for (const [id, open] of [["open-all", true], ["close-all", false]]) {
      find(id).onclick = () => this.layers.forEach(({ box }) => { box.open = open; });
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show(this.run));
  }

  /** The plane that a layer's output is drawn as: its own, or for plain numbers rows of them. */
  static plane(shape) {
    if (shape.length === 3) return { rows: shape[0], columns: shape[1], channels: shape[2] };
    const columns = shape[0] <= 32 ? shape[0] : Math.ceil(Math.sqrt(shape[0] * 2));
    return { rows: Math.ceil(shape[0] / columns), columns, channels: 1 };
  }

  layer(place, n) {
    const [legend, shown] = [made("p", { className: "legend" }), made("div", { className: "maps", role: "group" })];
    shown.setAttribute("aria-label", `Feature maps of layer ${place.number}`);
    const more = made("button", { type: "button", className: "more", hidden: true });
    const depth = place.number.split(".").length - 1, weights = place.weights;
    const facts = `${by(place.input)} → ${by(place.output)}`
      + (weights ? `, ${weights.toLocaleString("en")} weights` : "");
    const summary = made("summary", {}, made("b", {}, `${place.number} `), `${place.title} `, made("small", {}, facts));
    const box = made("details", { className: "layer", open: n < Maps.OPEN }, summary, legend, shown, more);
    box.style.setProperty("--depth", depth);
    const layer = { place, box, legend, shown, more, ...Maps.plane(place.output), count: 0, cells: [] };
    more.onclick = () => this.grow(layer, layer.channels);
    box.addEventListener("toggle", () => this.draw(layer));
    return layer;
  }

  /** Show a run's numbers in all layers that are open. */
  show(run) {
    this.run = run;
    for (const layer of this.layers) this.draw(layer);
  }

  draw(layer) {
    if (!this.run || !layer.box.open) return;
    if (!layer.count) return this.grow(layer, Math.min(layer.channels, Maps.FIRST));
    const { rows, columns, cells, place } = layer, { data } = this.run.output(place.number);
    const { low, high, most } = colours.range({ data }), { channels } = layer;
    const first = low < 0 ? -most : 0;
    layer.legend.replaceChildren(
      made("span", {}, rough(first, 3)),
      made("i", { className: low < 0 ? "ramp signed" : "ramp" }),
      made("span", {}, rough(most, 3)),
      made("small", {}, `from ${number(low)} to ${number(high)}`),
    );
    cells.forEach(({ canvas }, channel) => {
      const value = (row, column) => data[(row * columns + column) * channels + channel] ?? 0;
      colours.draw(canvas, rows, columns, value, most);
    });
  }

  /** Show so many of a layer's maps. */
  grow(layer, count) {
    for (let channel = layer.count; channel < count; channel++) layer.shown.append(this.map(layer, channel));
    layer.count = count;
    layer.more.hidden = count >= layer.channels;
    layer.more.textContent = `Show all ${layer.channels} maps`;
    this.draw(layer);
  }

  map(layer, channel) {
    const { rows, columns, place } = layer, plain = place.output.length === 1;
    const canvas = made("canvas", { tabIndex: channel === 0 ? 0 : -1, role: "application" });
    canvas.setAttribute("aria-roledescription", "feature map");
    const which = plain ? "numbers" : `map ${channel + 1} of ${layer.channels}`;
    canvas.setAttribute("aria-label", `Layer ${place.number}, ${which}`);
    const side = plain ? Math.min(columns * 18, 640) : Math.min(Math.max(columns * 6, 72), 132);
    const cell = { canvas, at: [0, 0] }, cells = made("div", { className: "cells" }, canvas);
    cells.style.cssText = `width:${side}px;aspect-ratio:${columns}/${rows}`;
    canvas.addEventListener("click", (event) => {
      const { top, left, width, height } = canvas.getBoundingClientRect();
      const shares = [(event.clientY - top) / height, (event.clientX - left) / width];
      cell.at = [rows, columns].map((n, axis) => Math.min(Math.max(Math.floor(shares[axis] * n), 0), n - 1));
      this.choose(layer, channel);
    });
    canvas.addEventListener("focus", () => { // one of a layer's maps is reached by Tab
      for (const other of layer.cells) other.canvas.tabIndex = other === cell ? 0 : -1;
    });
    canvas.addEventListener("keydown", (event) => this.key(event, layer, channel));
    layer.cells.push(cell);
    const caption = plain ? [] : [made("figcaption", {}, String(channel + 1))];
    return made("figure", { className: "map" }, cells, ...caption);
  }

  /** Arrow keys go from cell to cell, Page Up and Page Down from map to map. */
  key(event, layer, channel) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { at } = layer.cells[channel], { rows, columns } = layer;
    const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    Object.assign(ways, { Home: [0, -columns], End: [0, columns] });
    const maps = { PageUp: -1, PageDown: 1 };
    if (event.key in ways) {
      this.move(layer, channel, ways[event.key]);
    } else if (event.key in maps) {
      const other = layer.cells[channel + maps[event.key]];
      if (other) {
        other.at = [...at];
        other.canvas.focus();
        this.choose(layer, channel + maps[event.key]);
      }
    } else if (event.key === "Enter" || event.key === " ") {
      this.choose(layer, channel);
    } else {
      return;
    }
    event.preventDefault();
  }

  move(layer, channel, way) {
    const cell = layer.cells[channel], most = [layer.rows, layer.columns];
    cell.at = cell.at.map((n, axis) => Math.min(Math.max(n + way[axis], 0), most[axis] - 1));
    this.choose(layer, channel);
  }

  /** Choose the cell that a map is at: mark it, and say so. */
  choose(layer, channel) {
    const { place, rows, columns } = layer, { canvas, at: [row, column] } = layer.cells[channel];
    const plain = place.output.length === 1, number = row * columns + column;
    if (plain && number >= place.output[0]) return;
    this.mark.style.cssText = `left:${(100 * column) / columns}%;top:${(100 * row) / rows}%;`
      + `width:${100 / columns}%;height:${100 / rows}%`;
    canvas.after(this.mark);
    this.last = { layer, channel };
    this.chosen(place, plain ? [number] : [row, column, channel]);
  }

  /** Choose the cell beside the chosen one. */
  step(way) {
    if (this.last) this.move(this.last.layer, this.last.channel, way);
  }

  /** Choose nothing. */
  leave() {
    this.mark.remove();
    this.last?.layer.cells[this.last.channel].canvas.focus();
    this.last = null;
  }
}
