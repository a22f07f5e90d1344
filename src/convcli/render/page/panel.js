"use strict";
/*
 * The panel of one cell: what it sees of the image, and what it was made of.
 */
class CellPanel {
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
    const { place, at, run, all } = this, cell = engine.cell(run, place.number, at);
    const where = at.length === 1 ? `number ${at[0] + 1}` : `map ${at[2] + 1}, row ${at[0] + 1}, column ${at[1] + 1}`;
    find("cell-title").textContent = `Layer ${place.number}, ${where}`;
    find("cell-value").textContent = number(cell.a);
    find("cell-layer").textContent = place.title;
    this.field(cell.seen);
    const { layer, input: { shape } } = run.record(place.number), more = (left, what) => this.more(left, what);
    const { result, rows = [], lines = [] } = KINDS[cell.kind](cell, { layer, place, input: shape, all, more });
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
    find("cell-sees").textContent = "It sees all of the image, or parts that differ from cell to cell.";
    if (!seen) return;
    const { top, left, height, width } = seen;
    mark.style.cssText = `left:${(100 * left) / columns}%;top:${(100 * top) / rows}%;`
      + `width:${(100 * width) / columns}%;height:${(100 * height) / rows}%`;
    const beyond = top < 0 || left < 0 || top + height > rows || left + width > columns;
    find("cell-sees").textContent = `It sees ${by([height, width])} pixels from ${place([top, left])}`
      + `${beyond ? "; beyond the edge is padding" : ""}.`;
  }

  /** A button that shows what was left out, or nothing. */
  more(left, what) {
    if (left <= 0 || this.all) return "";
    const button = made("button", { type: "button", textContent: `Show ${left} more ${what}` });
    button.onclick = () => {
      this.all = true;
      this.draw();
    };
    return button;
  }
}
