"use strict";
/*
 * A board to draw on, and how a drawing becomes an image like those that the network was trained on.
 *
 * Lengths are pixels of the network's images, whose upper left corner is (0, 0). A stroke is {width, points}, and is
 * kept as a line: it is drawn anew at whatever place and size, with its own width.
 */
const drawing = (() => {
  const NARROW = 1 / 4; // of the image: what training images differ by less in, they have in common
  const MOST_SCALE = 8;
  const FINE = 256; // pixels, about, of the plane that strokes are drawn on before they are averaged

  /** Draw strokes, each point where `placed` says it is. */
  function drawStrokes(context, strokes, placed = (point) => point) {
    context.lineCap = context.lineJoin = "round";
    for (const { width, points } of strokes) {
      context.lineWidth = width;
      context.beginPath();
      const [first, ...others] = points.map(placed);
      context.moveTo(...first);
      for (const point of others.length ? others : [first]) context.lineTo(...point);
      context.stroke();
    }
  }

  /** How much of each pixel strokes cover, 0 … 1, row by row. */
  function coverage(strokes, [rows, columns], placed) {
    const fine = Math.max(2, Math.round(FINE / Math.max(rows, columns)));
    const plane = new OffscreenCanvas(columns * fine, rows * fine);
    const context = plane.getContext("2d", { willReadFrequently: true });
    context.scale(fine, fine);
    drawStrokes(context, strokes, placed);
    const { data } = context.getImageData(0, 0, plane.width, plane.height);
    const covered = new Float64Array(rows * columns);
    for (let y = 0, at = 3; y < plane.height; y++) {
      for (let x = 0; x < plane.width; x++, at += 4) {
        covered[Math.floor(y / fine) * columns + Math.floor(x / fine)] += data[at] / (255 * fine * fine);
      }
    }
    return covered;
  }

  /** The row and column that ink is balanced on; null where there is none. */
  function centreOfMass(covered, columns) {
    let mass = 0, down = 0, across = 0;
    covered.forEach((share, k) => {
      mass += share;
      down += share * (Math.floor(k / columns) + 0.5);
      across += share * ((k % columns) + 0.5);
    });
    return mass > 0 ? [down / mass, across / mass] : null;
  }

  /** The box of all points, [[top, left], [bottom, right]]. */
  function boxOf(strokes) {
    const points = strokes.flatMap((stroke) => stroke.points);
    return [Math.min, Math.max].map((most) => [1, 0].map((axis) => most(...points.map((point) => point[axis]))));
  }

  /** Where a figure of a drawing is to lie: where it lies in all training images, or within where it does in most. */
  function wanted(figure, [low, middle, high], side) {
    return high - low <= side * NARROW ? middle : Math.min(Math.max(figure, low), high);
  }

  /**
   * Where points go so that a drawing has the size and the place that `found`, Drawings of data/drawings.py, says:
   * `placed`, and in figures the `scale` and by how many rows and columns it was `moved`.
   */
  function prepared(strokes, [rows, columns], found) {
    const [[top, left], [bottom, right]] = boxOf(strokes), middle = [(top + bottom) / 2, (left + right) / 2];
    const width = Math.max(...strokes.map((stroke) => stroke.width)), longer = Math.max(bottom - top, right - left);
    const side = wanted(longer + width, found.side, Math.max(rows, columns));
    const scale = longer > 0 ? Math.min(Math.max(side - width, 0) / longer, MOST_SCALE) : 1;
    const at = ([row, column]) => ([x, y]) => [(x - middle[1]) * scale + column, (y - middle[0]) * scale + row];
    let beside = [0, 0]; // of the centre of mass, from the middle of the box
    if (found.centred === "mass") {
      const half = [rows / 2, columns / 2];
      const centre = centreOfMass(coverage(strokes, [rows, columns], at(half)), columns) ?? half;
      beside = centre.map((value, axis) => value - half[axis]);
    }
    const centre = [found.row, found.column].map((spread, axis) =>
      wanted(middle[axis] + beside[axis], spread, [rows, columns][axis]));
    const moved = centre.map((value, axis) => value - beside[axis] - middle[axis]);
    return { placed: at(centre.map((value, axis) => value - beside[axis])), scale, side, centre, moved };
  }

  /** The image of a drawing, and what was done to it in words. `found` is null where nothing is to be done. */
  function image(strokes, [rows, columns], { ground, ink }, found) {
    const result = { shape: [rows, columns, 1], data: new Uint8ClampedArray(rows * columns).fill(ground) };
    if (!strokes.length) return { image: result, told: "Nothing is drawn yet." };
    const made = found && prepared(strokes, [rows, columns], found);
    const covered = coverage(strokes, [rows, columns], made?.placed);
    covered.forEach((share, k) => { result.data[k] = Math.round(ground + (ink - ground) * Math.min(share, 1)); });
    return { image: result, told: made ? said(made, found) : "As drawn: neither scaled nor moved." };
  }

  function said({ scale, side, centre, moved }, { centred, images }) {
    const what = centred === "mass" ? "centre of mass" : "middle";
    const way = [["up", "down"], ["left", "right"]].map(([back, on], axis) =>
      `${rough(Math.abs(moved[axis]), 2)} ${moved[axis] < 0 ? back : on}`);
    return `Scaled by ${rough(scale, 3)} to ${rough(side, 3)} pixels on its longer side, and moved `
      + `${way.join(" and ")}, so that its ${what} lies at row ${rough(centre[0], 3)}, column ${rough(centre[1], 3)}, `
      + `as in ${images.toLocaleString("en")} training images.`;
  }

  /** The board: pointers draw on it, and keys. Calls `changed()` whenever its `strokes` have. */
  class Board {
    constructor(canvas, size, { ground, ink, width }, changed) {
      Object.assign(this, { canvas, size, ground, ink, width, changed });
      Object.assign(this, { strokes: [], past: [], pen: null, cursor: null });
      const fine = Math.max(1, Math.round(640 / Math.max(...size)));
      [canvas.height, canvas.width] = size.map((n) => n * fine);
      canvas.style.aspectRatio = `${size[1]} / ${size[0]}`;
      this.context = canvas.getContext("2d");
      this.context.scale(fine, fine);
      canvas.addEventListener("pointerdown", (event) => this.begin(event));
      canvas.addEventListener("pointermove", (event) => this.go(event));
      for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.end(event));
      canvas.addEventListener("keydown", (event) => this.key(event));
      canvas.addEventListener("blur", () => this.lift());
      this.paint();
    }

    /** Where a pointer is. */
    point({ clientX, clientY }) {
      const box = this.canvas.getBoundingClientRect(), [rows, columns] = this.size;
      return [((clientX - box.left) / box.width) * columns, ((clientY - box.top) / box.height) * rows];
    }

    begin(event) {
      if (this.pen !== null || event.button !== 0) return; // a second finger draws nothing
      this.pen = event.pointerId;
      this.cursor = null;
      this.canvas.setPointerCapture(event.pointerId);
      this.add({ width: this.width, points: [this.point(event)] });
    }

    go(event) {
      if (event.pointerId !== this.pen) return;
      const parts = event.getCoalescedEvents?.() ?? [];
      this.strokes.at(-1).points.push(...(parts.length ? parts : [event]).map((part) => this.point(part)));
      this.update();
    }

    end(event) {
      if (event.pointerId === this.pen) this.pen = null;
    }

    /** Arrow keys move a pen that Space puts down and lifts. */
    key(event) {
      const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      if ((event.ctrlKey || event.metaKey) && event.key === "z") {
        this.undo();
      } else if (event.ctrlKey || event.metaKey || event.altKey) {
        return;
      } else if (event.key in ways) {
        this.step(ways[event.key]);
      } else if (event.key === " ") {
        this.down() ? this.lift() : this.put();
      } else {
        return;
      }
      event.preventDefault();
    }

    down() {
      return this.cursor?.down ?? false;
    }

    put() {
      this.cursor ??= { at: this.size.map((n) => n / 2).reverse() };
      this.cursor.down = true;
      this.add({ width: this.width, points: [[...this.cursor.at]] });
    }

    lift() {
      if (this.cursor) this.cursor.down = false;
      this.paint();
    }

    step(way) {
      const [rows, columns] = this.size;
      this.cursor ??= { at: [columns / 2, rows / 2], down: false };
      const { at } = this.cursor;
      [columns, rows].forEach((most, axis) => { at[axis] = Math.min(Math.max(at[axis] + way[axis], 0), most); });
      if (!this.cursor.down) return this.paint();
      this.strokes.at(-1).points.push([...at]);
      return this.update();
    }

    add(stroke) {
      this.past.push([...this.strokes]);
      this.strokes = [...this.strokes, stroke];
      this.update();
    }

    undo() {
      if (!this.past.length) return;
      this.pen = null;
      this.strokes = this.past.pop();
      this.lift();
      this.update();
    }

    clear() {
      if (!this.strokes.length) return;
      this.past.push(this.strokes);
      this.pen = null;
      this.strokes = [];
      this.lift();
      this.update();
    }

    update() {
      this.paint();
      this.changed();
    }

    paint() {
      const { context, size: [rows, columns], ground, ink } = this;
      context.fillStyle = `rgb(${ground} ${ground} ${ground})`;
      context.fillRect(0, 0, columns, rows);
      context.strokeStyle = `rgb(${ink} ${ink} ${ink})`;
      drawStrokes(context, this.strokes);
      if (!this.cursor) return;
      const radius = Math.max(this.width, columns / 40) / 2, { at, down } = this.cursor;
      const ring = (width, colour) => {
        [context.lineWidth, context.strokeStyle] = [width, colour];
        context.beginPath();
        context.arc(...at, radius * 1.5, 0, 2 * Math.PI);
        context.stroke();
      };
      ring(radius, `rgb(${ground} ${ground} ${ground})`);
      ring(radius / 2, down ? "#e5322d" : "#0072b2");
    }
  }

  return { Board, image };
})();
