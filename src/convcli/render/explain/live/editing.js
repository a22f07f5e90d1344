/* Numbers of the input, a kernel or a gradient changed where a step shows them. */

/** Where a cell of a matrix stands in settings: in which control, plane, row and column; null if in none. */
function placeOf(ask, shown, [i, j]) {
  const { plane, origin: [top, left] } = shown.of ?? { plane: shown, origin: [0, 0] };
  const value = plane[i - top]?.[j - left], filters = (ask.kernels ?? []).map((filter, k) => [`kernel-${k}`, filter]);
  const volumes = [["input", ask.input], ["gradient", ask.gradient ?? []], ...filters];
  const [name, planes] = volumes.find(([, all]) => all.includes(plane)) ?? [];
  if (!name || value === undefined) return null;
  return { name, n: planes.indexOf(plane), row: i - top, column: j - left, value };
}

/** Let the reader open with a click those cells of a section that show a control's numbers. */
function arm(section, { rows }, live) {
  const grids = rows.flat().filter((part) => part.grid);
  section.querySelectorAll("table").forEach((table, number) => {
    [...table.rows].forEach((row, i) => row.querySelectorAll("td").forEach((cell, j) => {
      const at = placeOf(live.ask, grids[number][SHOWN], [i, j]);
      const control = live.controls.find(({ name }) => name === at?.name);
      if (!control) return;
      cell.classList.add("edit");
      cell.onclick = () => openCell(cell, { ...at, control, number }, live);
    }));
  });
}

/** The cells that can be opened of a table of the step that is shown. */
const openable = (number) =>
  [...(document.querySelectorAll("section:not([hidden]) table")[number]?.querySelectorAll(".edit") ?? [])];

function openCell(cell, at, live) {
  if (cell.querySelector("input")) return;
  const before = [...cell.childNodes], label = `${at.control.label}, ${place([at.row, at.column])}`;
  const field = element("input", { value: typed(at.value), ariaLabel: label });
  field.style.width = `${Math.max(field.value.length + 1, 4)}ch`;
  let open = true;
  const close = (keep) => {
    if (!open) return;
    open = false;
    cell.replaceChildren(...before);
    if (keep && field.value.trim() !== typed(at.value)) change(at, field.value, live);
  };
  field.onblur = () => close(true);
  field.onkeydown = (event) => {
    if (!["Enter", "Escape", "Tab"].includes(event.key)) return;
    event.preventDefault();
    const next = openable(at.number).indexOf(cell) + (event.shiftKey ? -1 : 1);
    close(event.key !== "Escape");
    if (event.key === "Tab") openable(at.number)[next]?.click();
  };
  cell.replaceChildren(field);
  field.select();
}

/** Write a number into its control, and follow it. */
function change({ control, n, row, column }, text, live) {
  try {
    const [value, ...more] = readRow(text, "");
    if (value === undefined || more.length) {
      throw new Misfit(`expected a number, found ${text.trim().slice(0, 40) || "nothing"}.`);
    }
    const planes = control.read().map((plane) => plane.map((cells) => [...cells]));
    planes[Math.min(n, planes.length - 1)][row][column] = value;
    control.write(planes);
  } catch (problem) {
    if (!(problem instanceof Misfit)) throw problem;
    return live.say({ [control.name]: problem.message }, true);
  }
  live.follow(control.name);
}
