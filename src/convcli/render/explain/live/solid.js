/* Volumes as solids, as render/explain/solid.py draws them. */
const LONGEST = 120, LARGEST_CELL = 22, SMALLEST_CELL = 6, LEAST = 3, THINNEST = 1.5, SLANT = [0.4, -0.3];
const MOST_DRAWN = 8, APART = 12;

const facesOf = (role) => ({ front: role, top: `${role}_top`, side: `${role}_side` });
const facesOfTint = (tint) => ({ front: `tint${tint}`, top: `tinttop${tint}`, side: `tintside${tint}` });

/** A block in units of a drawing. */
class Solid {
  constructor({ block: shape, tints, padding, parts, largest: beside, toScale }) {
    const sides = sidesOf(shape), [rows, columns, channels] = sides;
    const largest = beside || Math.max(rows, columns, channels / 2);
    const unit = toScale ? Math.min(LONGEST, LARGEST_CELL * largest) : LONGEST;
    const long = (cells, least) =>
      Math.max(least, (toScale ? cells / largest : Math.sqrt(cells / largest)) * unit) / cells;
    const cell = [long(rows, LEAST), long(columns, LEAST), long(channels, THINNEST)];
    Object.assign(this, { tints, padding, parts, sides, cell });
    this.height = rows * cell[0] - channels * cell[2] * SLANT[1];
    this.width = columns * cell[1] + channels * cell[2] * SLANT[0];
  }

  /** Where a corner of a cell is. */
  at([row, column, channel]) {
    const depth = channel * this.cell[2], top = -this.sides[2] * this.cell[2] * SLANT[1];
    return [column * this.cell[1] + depth * SLANT[0], top + row * this.cell[0] + depth * SLANT[1]];
  }

  /** The corners of a part's front, top or right side, from each of three pairs of limits. */
  face(kind, [up, down], [left, right], [near, far]) {
    const ends = {
      front: [[up, left, near], [up, right, near], [down, right, near], [down, left, near]],
      top: [[up, left, near], [up, left, far], [up, right, far], [up, right, near]],
      side: [[up, right, near], [up, right, far], [down, right, far], [down, right, near]],
    };
    const corners = ends[kind].map((end) => this.at(end));
    return [...corners, corners[0]];
  }

  shapes() {
    const every = this.sides.map((side) => [0, side]), outline = (kind) => path(this.face(kind, ...every), "muted", 1.2);
    return [
      ...this.body(), ...this.lines(), ...["top", "side", "front"].map(outline),
      ...this.parts.flatMap((part) => this.part(part)), ...(this.parts.length ? [outline("front")] : []),
    ];
  }

  /** The faces without lines: channel behind channel, and padding around them. */
  body() {
    const [rows, columns, channels] = this.sides, [[above, below], [left, right]] = this.padding;
    const filled = (corners, fill) => path(corners, fill, 0, fill), zeros = facesOf("padding");
    const slabs = this.tints.length
      ? this.tints.map((tint, n) => [n, n + 1, facesOfTint(tint)])
      : [[0, channels, facesOf("block")]];
    const around = slabs.flatMap(([near, far, faces]) => [
      filled(this.face("top", [0, rows], [0, columns], [near, far]), (above ? zeros : faces).top),
      filled(this.face("side", [0, rows], [0, columns], [near, far]), (right ? zeros : faces).side),
    ]);
    const padded = above || below || left || right;
    return [
      ...around,
      ...(padded ? [filled(this.face("front", [0, rows], [0, columns], [0, 0]), zeros.front)] : []),
      filled(this.face("front", [above, rows - below], [left, columns - right], [0, 0]), slabs[0][2].front),
    ];
  }

  /** The lines between cells, where these are large enough. */
  lines() {
    const [rows, columns, channels] = this.sides, from1 = (n) => Array.from({ length: n - 1 }, (_, i) => i + 1);
    const line = (...ends) => path(ends.map((end) => this.at(end)), "line", 0.8);
    const cells = Math.min(this.cell[0], this.cell[1]) >= SMALLEST_CELL;
    const layers = this.cell[2] * SLANT[0] >= SMALLEST_CELL / 3;
    return [
      ...(cells ? from1(rows).map((i) => line([i, 0, 0], [i, columns, 0], [i, columns, channels])) : []),
      ...(cells ? from1(columns).map((j) => line([rows, j, 0], [0, j, 0], [0, j, channels])) : []),
      ...(layers ? from1(channels).map((n) => line([0, 0, n], [0, columns, n], [rows, columns, n])) : []),
    ];
  }

  /** A part: as one solid where its cells touch, else each of its columns of cells alone. */
  part({ rows, columns, channels, role }) {
    const faces = facesOf(role), depth = [channels[0], channels.at(-1) + 1];
    const whole = (ends) => [ends[0], ends.at(-1) + 1], touching = (ends) => ends.at(-1) - ends[0] + 1 === ends.length;
    const cuboids = touching(rows) && touching(columns)
      ? [[whole(rows), whole(columns)]]
      : [...rows].reverse().flatMap((i) => columns.map((j) => [[i, i + 1], [j, j + 1]]));
    const line = (...ends) => path(ends.map(([i, j]) => this.at([i, j, depth[0]])), "muted", 0.6);
    const inner = ([from, to]) => Array.from({ length: to - from - 1 }, (_, n) => from + n + 1);
    const cells = Math.min(this.cell[0], this.cell[1]) >= SMALLEST_CELL;
    return cuboids.flatMap(([down, across]) => [
      ...["top", "side", "front"].map((kind) => path(this.face(kind, down, across, depth), "ink", cells ? 1.2 : 0.6, faces[kind])),
      ...(cells ? inner(down).map((i) => line([i, across[0]], [i, across[1]])) : []),
      ...(cells ? inner(across).map((j) => line([down[0], j], [down[1], j])) : []),
    ]);
  }
}

/** As many solids as there are of a block, with their caption, and how large one is. */
function drawnBlock(part) {
  const solid = new Solid(part), count = Math.min(part.count, MOST_DRAWN), left = part.count - MOST_DRAWN;
  const fitting = Math.max(1, Math.floor((NARROW + APART) / (solid.width + APART)));
  const columns = Math.min(fitting, Math.ceil(Math.sqrt(count))), rows = Math.ceil(count / columns);
  const shapes = Array.from({ length: count }, (_, n) =>
    moved(solid.shapes(), (n % columns) * (solid.width + APART), Math.floor(n / columns) * (solid.height + APART)));
  const wide = columns * (solid.width + APART) - APART, high = rows * (solid.height + APART) - APART;
  const body = captioned(shapes.flat(), wide, high, part.caption);
  const size = `${by(part.block)}${part.count > 1 ? " each" : ""}${left > 0 ? `, … ${left} more` : ""}`;
  const outer = Math.max(body.width, textWidth(size, FORMULA, true)), y = body.height + FORMULA * 0.6;
  const label = text(outer / 2, y, size, { size: FORMULA, bold: true });
  return { width: outer, height: y + FORMULA * 0.8, shapes: [...moved(body.shapes, (outer - body.width) / 2, 0), label] };
}
