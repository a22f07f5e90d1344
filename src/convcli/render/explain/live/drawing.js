/* Steps as the page has them: render/explain/html.py and elements.py, in JavaScript. */
const HEAT_STEPS = 10, SHADE_STEPS = 16, BRIGHT = { grey: 8, red: 15, green: 9, blue: 17 }, LINK_COLOURS = 9, NARROW = 340;
const CAPTION = 12.5, FORMULA = 14, LINE = 1.35;
const SANS = "'DejaVu Sans', Verdana, 'Segoe UI', sans-serif";
const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" };
const escaped = (text) => text.replace(/[&<>"']/g, (sign) => SIGNS[sign]);
const inText = (text) => text.replace(/[&<>]/g, (sign) => SIGNS[sign]);

/** The longest number of all grids of one shape at one place of their steps: they have one width. */
function digitsOf(steps) {
  const digits = {}, lengths = new Map([[null, 0]]);
  const length = (value) => lengths.get(value) ?? lengths.set(value, number(value).length).get(value);
  for (const { rows } of steps) {
    rows.forEach((row, i) => row.forEach((part, j) => {
      if (!part.grid) return;
      const place = placeIn(part, i, j), longest = Math.max(...part.grid.flat().map(length));
      digits[place] = Math.max(digits[place] ?? 0, longest);
    }));
  }
  return digits;
}

const placeIn = ({ grid: cells }, i, j) => [i, j, ...shapeOf(cells)].join();

/** A step's title and rows; `pictures` has those that cannot be drawn anew, by their captions. */
function stepHtml({ title, rows }, digits, pictures = {}) {
  const inside = rows.map((row, i) => {
    const parts = row.map((part, j) => (part.grid ? gridHtml(part, digits[placeIn(part, i, j)]) : elementHtml(part, pictures)));
    return `<div class="row">${parts.join("")}</div>`;
  });
  return `<h2>${escaped(title)}</h2>${inside.join("")}`;
}

function elementHtml(part, pictures) {
  if (part.formula !== undefined) return `<p class="formula">${escaped(part.formula)}</p>`;
  if (part.pixels === null) return pictures[part.picture] ?? "";
  if (part.arrow) {
    const note = part.note && `<small>${escaped(part.note)}</small>`;
    return `<div class="arrow"><b>${escaped(part.arrow === "*" ? "∗" : part.arrow)}</b>${note}</div>`;
  }
  if (part.pixels) return `<figure>${svg(drawnPicture(part), part.picture || "picture")}</figure>`;
  return `<figure>${svg(part.block ? drawnBlock(part) : drawnGraph(part), part.caption || "drawing")}</figure>`;
}

function gridHtml(part, digits) {
  const { grid: cells, caption, names } = part;
  const rows = cells.map((row, i) => {
    const name = names.length ? `<th>${escaped(names[i])}</th>` : "";
    return `<tr>${name}${row.map((_, j) => cellHtml(part, i, j)).join("")}</tr>`;
  });
  const told = caption && `<figcaption>${escaped(caption)}</figcaption>`;
  return `<figure><div class="scroll"><table${sized(digits, cells[0].length)}>${rows.join("")}</table></div>${told}</figure>`;
}

/** The width of a table's cells, where its numbers are longer than two digits, and of all of it for paper. */
const sized = (digits, columns) =>
  (digits > 2 ? ` style="--digits:${digits};--across:${columns * (digits + 1)}"` : "");

/** A cell; where its text is rounded, its title is the number in full. */
function cellHtml(part, i, j) {
  const value = part.grid[i][j], role = part.marks[key([i, j])], [fill, ink] = groundOf(part, i, j);
  const framed = isPixel(part, i, j) && ["window", "chosen", "result"].includes(role);
  let style = role ? ` class="${role}${framed ? " pixel" : ""}"` : "";
  if (fill !== role && fill !== "cell") {
    style += ` style="background:var(--${fill})${ink === "ink" ? "" : `;color:var(--${ink})`}"`;
  }
  if (value === null) return `<td${style}></td>`;
  const text = number(value), full = inFull(value);
  return `<td${style}${text.replace("−", "-") === full ? "" : ` title="${full}"`}>${text}</td>`;
}

/** The names of the colours of a cell and of its number. */
function groundOf(part, i, j) {
  const value = part.grid[i][j], role = part.marks[key([i, j])];
  if (value !== null && part.hottest !== null) return [`heat${levelOf(value / part.hottest, HEAT_STEPS)}`, "ink"];
  if (isPixel(part, i, j)) {
    const level = levelOf(value / 255, SHADE_STEPS);
    return [`${part.shade}${level}`, level >= BRIGHT[part.shade] ? "onlight" : "ondark"];
  }
  if (role) return [role, role === "padding" || role === "unused" ? "muted" : "ink"];
  return [part.tint === null ? "cell" : `tint${part.tint}`, "ink"];
}

/** Whether a cell has the colour of a pixel. */
function isPixel({ grid: cells, shade, margin: [[above, below], [left, right]] }, i, j) {
  const [rows, columns] = shapeOf(cells);
  const inside = i >= above && i < rows - below && j >= left && j < columns - right;
  return shade !== "" && inside && cells[i][j] !== null;
}

/** The step, from 0 to `steps`, of a share; a half goes to the even one. */
function levelOf(share, steps) {
  const level = steps * Math.min(Math.max(share, 0), 1), below = Math.floor(level);
  const up = level - below > 0.5 || (level - below === 0.5 && below % 2 === 1);
  return below + up;
}

// Drawings: shapes in a width and a height, as render/drawing/ has them ------------------------------------

/** About how wide a line is. */
function textWidth(text, size, bold = false) {
  const hundredths = (sign) =>
    ("iljtfrI.,:;'|()[]! /·".includes(sign) ? 38 : "mwMW%@→⌊⌋×+−=Σ…∗".includes(sign) ? 84 : 63);
  return ([...text].reduce((width, sign) => width + hundredths(sign), 0) / 100) * size * (bold ? 1.1 : 1);
}

/** The lines of a text, broken between words so that none is wider than `width` if it can be. */
function wrapped(text, width, size) {
  const lines = [""];
  for (const word of text.split(/(?<!×) (?!×)/)) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (lines.at(-1) && textWidth(longer, size) > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

const rect = (x, y, width, height, fill, line, thickness) =>
  ({ rect: [width, height], points: [[x, y]], fill, line, thickness });
const path = (points, line, thickness, fill = null) => ({ points, fill, line, thickness });
const text = (x, y, words, { size = CAPTION, colour = "ink", anchor = "middle", bold = false } = {}) =>
  ({ points: [[x, y]], words, size, colour, anchor, bold });
const moved = (shapes, x, y) =>
  shapes.map((shape) => ({ ...shape, points: shape.points.map(([a, b]) => [a + x, b + y]) }));

/** A body with its caption centred under it. */
function captioned(shapes, width, height, caption) {
  const lines = caption ? wrapped(caption, Math.max(width, 150), CAPTION) : [];
  const outer = Math.max(width, ...lines.map((line) => textWidth(line, CAPTION)));
  const under = lines.map((line, n) => text(outer / 2, height + CAPTION * (1 + LINE * n), line, { colour: "muted" }));
  const below = lines.length ? CAPTION * (LINE * lines.length + 0.5) : 0;
  return { width: outer, height: height + below, shapes: [...moved(shapes, (outer - width) / 2, 0), ...under] };
}

/** A few pixels, a square each. */
function drawnPicture({ picture, pixels }) {
  const [rows, columns] = shapeOf(pixels), side = Math.min(16, 128 / Math.max(rows, columns));
  const squares = every(pixels).map(([i, j]) => {
    const [red, green, blue] = [pixels[i][j], pixels[i][j], pixels[i][j]].map((value, n) => value[n] ?? value);
    return { ...rect(j * side, i * side, side, side), colour: `rgb(${red},${green},${blue})` };
  });
  const frame = rect(0, 0, columns * side, rows * side, null, "muted", 1);
  return captioned([...squares, frame], columns * side, rows * side, picture);
}

function drawnGraph({ inputs, outputs, links, caption, legend }) {
  let height = 24 * Math.max(inputs.length, outputs.length);
  const side = 12 + Math.max(...[...inputs, ...outputs].map((name) => textWidth(name, CAPTION)));
  const across = Math.min(300, NARROW - 2 * side - 20);
  const places = (names, x) => names.map((_, n) => [x, ((n + 0.5) * height) / names.length]);
  const starts = places(inputs, side), ends = places(outputs, side + across);
  const inOrder = [...links.filter((link) => !link[3]), ...links.filter((link) => link[3])];
  const lines = inOrder.map(([start, end, weight, strong]) => {
    const colour = weight === null ? "muted" : `link${weight % LINK_COLOURS}`, thickness = weight === null ? 0.7 : 1.6;
    return path([starts[start], ends[end]], strong ? colour : "faint", strong ? thickness : 1);
  });
  const named = (names, points, anchor, shift) => names.flatMap((name, n) => {
    const [x, y] = points[n];
    return [rect(x - 5, y - 5, 10, 10, "kernel", "muted", 1), text(x + shift, y, name, { anchor })];
  });
  const shapes = [...lines, ...named(inputs, starts, "end", -10), ...named(outputs, ends, "start", 10)];
  const wide = 2 * side + across;
  if (legend.length) {
    const below = drawnLegend(legend, wide);
    shapes.push(...moved(below.shapes, (wide - below.width) / 2, height + 4));
    height += below.height;
  }
  return captioned(shapes, wide, height, caption);
}

/** For each shared weight a line of its colour, and what it is. */
function drawnLegend(names, width) {
  const swatch = 18, line = CAPTION * 1.5, wide = swatch + 4 + Math.max(...names.map((name) => textWidth(name, CAPTION))) + 12;
  const rows = Math.ceil(names.length / Math.max(1, Math.floor(width / wide))), columns = Math.ceil(names.length / rows);
  const shapes = names.flatMap((name, n) => {
    const x = (n % columns) * wide, y = (Math.floor(n / columns) + 0.5) * line;
    const stroke = path([[x, y], [x + swatch, y]], `link${n % LINK_COLOURS}`, 3);
    return [stroke, text(x + swatch + 4, y, name, { anchor: "start" })];
  });
  return { width: columns * wide - 12, height: rows * line + 4, shapes };
}

/** A length to one digit; as in Python, a tie goes to the even one. */
function tenths(value) {
  const tie = Number.isInteger(value * 4) && !Number.isInteger(value * 2);
  const times10 = Math.floor(value * 10);
  return String(tie ? (times10 + (times10 % 2)) / 10 : Number(value.toFixed(1)));
}

function svg({ width, height, shapes }, title) {
  const [w, h] = [tenths(width), tenths(height)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}"`,
    ` viewBox="0 0 ${w} ${h}" role="img" font-family="${SANS}">`,
    `<title>${inText(title)}</title>`,
    ...shapes.map(shapeSvg),
    "</svg>\n",
  ].join("\n");
}

function shapeSvg({ points, rect: sides, words, fill, line, thickness, size, colour, anchor, bold }) {
  const [[x, y]] = points;
  if (words !== undefined) {
    const weight = bold ? ' font-weight="bold"' : "", start = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
    return `<text x="${tenths(x)}" y="${tenths(y + 0.36 * size)}" class="f-${colour}" font-size="${tenths(size)}"` +
      `${weight}${start}>${inText(words)}</text>`;
  }
  const classes = [fill && `f-${fill}`, line && `s-${line}`].filter(Boolean).join(" ");
  const stroke = line ? ` stroke-width="${tenths(thickness)}"` : "";
  const paint = ` class="${classes}"${fill ? "" : ' fill="none"'}${stroke}`;
  if (sides) {
    const [w, h] = sides.map(tenths);
    if (colour) return `<rect x="${tenths(x)}" y="${tenths(y)}" width="${w}" height="${h}" fill="${colour}" shape-rendering="crispEdges"/>`;
    return `<rect x="${tenths(x)}" y="${tenths(y)}" width="${w}" height="${h}"${paint}/>`;
  }
  return `<polyline points="${points.map((point) => point.map(tenths).join(",")).join(" ")}"${paint}/>`;
}
