/* What the reader changes, and the steps that follow. The page's own script shows one step of them. */
const MOST_STEPS_SHOWN = 400, LARGEST = 3.4e38, MOST_COUNT = 99;
const page = JSON.parse(document.getElementById("settings").textContent);
/** Weights as Python tells them: whole, or the upper left corner of what is its own mirror image. */
function whole({ shape: [rows, columns], corner }) {
  const mirrored = (list, n, count) => list[n] ?? list[count - 1 - n];
  return matrix([rows, columns], (i, j) => mirrored(mirrored(corner, i, rows), j, columns));
}
for (const [name, told] of Object.entries(page.kernels)) if (typeof told !== "string") page.kernels[name] = whole(told);
const SINGLE = ["convolution", "padding", "stride", "sharing"].includes(page.topic);

// Texts and numbers ----------------------------------------------------------------------------------------

/** The number that a text writes, a decimal or a fraction; NaN if it writes none. */
function readNumber(written) {
  const [above, below, more] = written.split("/");
  const decimal = (part) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(part) ? Number(part) : NaN);
  if (more !== undefined) return NaN;
  return below === undefined ? decimal(above) : decimal(above) / (decimal(below) || NaN);
}

/** The numbers of a row. */
function readRow(written, where) {
  const plain = written.replace(/[−‐-‒]/g, "-").trim();
  const comma = plain.match(/\S*\d,\d\S*/);
  if (comma) throw new Misfit(`${where}part cells by blanks and write decimals with a point, not ${comma[0]}.`);
  return plain.split(/[\s,]+/).filter(Boolean).map((cell, n) => {
    const value = readNumber(cell);
    if (Math.abs(value) <= LARGEST) return value;
    throw new Misfit(`${where}column ${n + 1}: expected a number, found ${cell.slice(0, 40)}.`);
  });
}

/** The matrix that a text holds: lines or semicolons end rows. */
function readMatrix(written) {
  const lines = written.split(/[;\n]/).filter((line) => line.trim());
  if (!lines.length) throw new Misfit("expected rows of numbers, found none.");
  const rows = lines.map((line, n) => readRow(line, `row ${n + 1}, `)), columns = rows[0].length;
  const uneven = rows.findIndex((row) => row.length !== columns);
  if (uneven > 0) throw new Misfit(`row ${uneven + 1}: expected ${columns} cells as in row 1, found ${rows[uneven].length}.`);
  if (Math.max(rows.length, columns) > MOST_SIDE) {
    throw new Misfit(`${by([rows.length, columns])} numbers; at most ${MOST_SIDE} × ${MOST_SIDE} can be read.`);
  }
  return rows;
}

/** The planes that a text holds, parted by |. */
function readVolume(written, read = readMatrix) {
  const planes = written.split("|").map(read);
  if (planes.some((plane) => by(shapeOf(plane)) !== by(shapeOf(planes[0])))) {
    throw new Misfit("the channels have different sizes; give each the same rows and columns.");
  }
  return planes;
}

const written = (planes) => planes.map((plane) => plane.map((row) => row.join(" ")).join("\n")).join("\n|\n");

/** A kernel by its name, or a matrix. */
function readKernel(text) {
  const name = text.trim();
  if (!/^[a-z]/i.test(name)) return readMatrix(text);
  const found = page.kernels[name.toLowerCase()];
  if (found === undefined) throw new Misfit(`there is no kernel ${name.slice(0, 40)} here: choose one of the list.`);
  if (typeof found === "string") throw new Misfit(found);
  return found;
}

/** [rows, columns] of `3` or `3x5`. */
function readPair(text) {
  const match = text.trim().match(/^(\d+)(?:\s*[x×,]\s*(\d+))?$/), pair = match && [match[1], match[2] ?? match[1]].map(Number);
  if (pair?.every((n) => n >= 1 && n <= MOST_COUNT)) return pair;
  throw new Misfit(`expected a whole number from 1 to ${MOST_COUNT}, or rows x columns such as 2x1.`);
}
const writtenPair = ([rows, columns]) => (rows === columns ? String(rows) : `${rows}x${columns}`);

// Controls -------------------------------------------------------------------------------------------------
// Each is {name, part, read, write}: `part` stands on the page, read() gives its value, write(value) shows one.

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A control with its label and the place for what is wrong with it. */
function labelled(name, label, control, ...more) {
  control.id = `set-${name}`;
  control.setAttribute("aria-describedby", `wrong-${name}`);
  const part = element("div", { className: "knob" }, element("label", { htmlFor: control.id, textContent: label }), ...more);
  if (!control.parentNode) part.append(control);
  part.append(element("p", { className: "wrong", id: `wrong-${name}` }));
  return part;
}

function area(name, label, { read, write, told = "", ...more }) {
  const control = element("textarea", { spellcheck: false, wrap: "off", placeholder: told, ...more });
  const show = (text) => {
    control.value = text;
    const lines = text.split("\n");
    control.rows = Math.min(Math.max(lines.length, 3), 9);
    control.cols = Math.min(Math.max(...lines.map((line) => line.length), 11), 34) + 1;
  };
  return { name, part: labelled(name, label, control), read: () => read(control.value), write: (value) => show(write(value)) };
}

function line(name, label, { read, write, told }) {
  const control = element("input", { size: 9, placeholder: told });
  return { name, part: labelled(name, label, control), read: () => read(control.value), write: (value) => { control.value = write(value); } };
}

function choice(name, label, options) {
  const control = element("select", {}, ...options.map(([words], n) => element("option", { value: n, textContent: words })));
  const at = (value) => options.findIndex(([, other]) => JSON.stringify(other) === JSON.stringify(value));
  return { name, part: labelled(name, label, control), read: () => options[control.value][1], write: (value) => { control.value = at(value); } };
}

function flag(name, label) {
  const control = element("input", { type: "checkbox" });
  return { name, part: labelled(name, label, control), read: () => control.checked, write: (value) => { control.checked = value; } };
}

/** A whole number, or two; arrow keys and buttons make it larger and smaller. */
function pairOf(name, label) {
  const control = element("input", { size: 4, autocomplete: "off" });
  const change = (by_) => {
    try {
      control.value = writtenPair(readPair(control.value).map((n) => Math.min(Math.max(n + by_, 1), MOST_COUNT)));
      control.dispatchEvent(new Event("input", { bubbles: true }));
    } catch { /* what stands there is no number, as the page says */ }
  };
  control.addEventListener("keydown", (event) => {
    const by_ = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (by_) { event.preventDefault(); change(by_); }
  });
  const button = (sign, by_, words) => element("button", { type: "button", textContent: sign, ariaLabel: `${label}: ${words}`, onclick: () => change(by_) });
  const beside = element("span", { className: "beside" }, button("−", -1, "less"), control, button("+", 1, "more"));
  return { name, part: labelled(name, label, control, beside), read: () => readPair(control.value), write: (value) => { control.value = writtenPair(value); } };
}

/** One filter: named kernels to choose from above what is typed in. */
function filterOf(k, label) {
  const names = Object.keys(page.kernels).filter((name) => typeof page.kernels[name] !== "string");
  const list = element("select", { ariaLabel: `${label}: a named kernel` },
    ...["typed in", ...names].map((name) => element("option", { value: name, textContent: name })));
  const typed = area(`kernel-${k}`, label, { read: (text) => readVolume(text, readKernel), write: written });
  const text = typed.part.querySelector("textarea");
  /** Say by which name what is typed is known. */
  const named = () => {
    let planes = [];
    try { planes = typed.read(); } catch { /* it has none */ }
    const same = (name) => planes.length && planes.every((plane) => JSON.stringify(plane) === JSON.stringify(page.kernels[name]));
    list.value = names.find(same) ?? "typed in";
  };
  list.oninput = () => list.value === "typed in" || typed.write([page.kernels[list.value]]);
  text.addEventListener("input", named);
  typed.part.insertBefore(list, text);
  return { ...typed, write: (planes) => { typed.write(planes); named(); } };
}

/** Paddings to choose from, with the command's own. */
function paddings(own) {
  const all = (n) => [[n, n], [n, n]], none = { padding: ["none", null], pooling: ["0", all(0)], "pooling-backward": ["0", all(0)] };
  const names = page.topic === "padding" ? [] : [["same", "same"], ["full", "full"]];
  const known = [none[page.topic] ?? ["valid", "valid"], ...names, ...[1, 2, 3, 4].map((n) => [String(n), all(n)])];
  const listed = known.some(([, value]) => JSON.stringify(value) === JSON.stringify(own));
  return listed ? known : [...known, [shortSides(own), own]];
}

/** The controls of what a topic takes. */
function controlsOf(initial) {
  const filters = initial.kernels && shownOf(initial.filter ?? null, initial.kernels.length, "filter");
  const several = initial.kernels?.length > 1, lines = "rows on lines, channels parted by |";
  const makers = {
    input: () => [area("input", "Input", { read: readVolume, write: written, title: lines })],
    kernels: () => filters.map((k) => filterOf(k, several ? `Filter ${k + 1}` : "Kernel")),
    bias: () => [line("bias", "Bias", {
      read: (text) => (text.trim() ? readRow(text, "") : null),
      write: (value) => (value ?? []).join(" "),
      told: "none",
    })],
    size: () => [pairOf("size", "Window")],
    stride: () => [pairOf("stride", "Stride")],
    padding: () => [choice("padding", page.topic === "padding" ? "One more padding" : "Padding", paddings(initial.padding))],
    dilation: () => [pairOf("dilation", "Dilation")],
    pool: () => [choice("pool", "Pool", ["max", "mean"].map((kind) => [kind, kind]))],
    ceil_mode: () => [flag("ceil_mode", "Round sizes up (ceil mode)")],
    count_include_pad: () => [flag("count_include_pad", "A mean counts padding")],
    activation: () => [choice("activation", "Activation g", initial.activations.map(({ name }) => [name, name]))],
    gradient: () => [area("gradient", "Gradient dA", {
      read: (text) => (text.trim() ? readVolume(text) : null),
      write: (value) => (value ? written(value) : ""),
      told: page.topic === "backward" ? "1 everywhere" : "1, 2, 3, …",
    })],
  };
  return Object.keys(makers).filter((name) => name in initial).flatMap((name) => makers[name]());
}

// The page -------------------------------------------------------------------------------------------------

/** The explanation of settings, with the steps that the command chose. */
function explained(ask) {
  const { title, steps } = topics[page.topic](ask);
  const chosen = ask.only ? ask.only.filter((n) => n < steps.length).map((n) => steps[n]) : steps;
  if (!chosen.length) throw new Misfit(`there are only ${counted(steps.length, "step")} then, and this page shows others.`);
  if (chosen.length > MOST_STEPS_SHOWN) {
    throw new Misfit(`${page.topic} has ${steps.length} steps then; at most ${MOST_STEPS_SHOWN} can be followed.`);
  }
  return { title, steps: chosen, notes: ask.notes };
}

class Live {
  constructor(initial) {
    this.initial = initial;
    this.controls = controlsOf(initial);
    this.pictures = {};
    const photo = initial.photo && document.querySelector("section figure:has(image)");
    if (photo) this.pictures[initial.photo] = photo.outerHTML;
    this.said = element("p", { className: "said", role: "status" });
    const parts = this.controls.map(({ part }) => part), large = (part) => part.querySelector("textarea");
    const form = element("form", { className: "knobs", autocomplete: "off" }, ...parts.filter(large),
      element("div", { className: "knobs" }, ...parts.filter((part) => !large(part)),
        element("button", { type: "reset", textContent: "Reset" })));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", (event) => { event.preventDefault(); this.reset(); });
    for (const { name, part } of this.controls) part.addEventListener("input", () => this.follow(name));
    this.panel = element("details", { open: innerWidth >= 700 }, element("summary", { textContent: "Change the numbers" }), form, this.said);
    document.querySelector("main").before(this.panel);
    addEventListener("beforeprint", () => this.steps && sections.forEach((_, n) => this.fill(n)));
    for (const control of this.controls) this.show(control, initial);
  }

  show({ name, write }, settings) {
    write(name.startsWith("kernel-") ? settings.kernels[name.slice(7)] : settings[name]);
  }

  reset() {
    for (const control of this.controls) this.show(control, this.initial);
    this.follow(null);
  }

  /** The settings as the controls have them; `changed` is the name of the one that the reader touched. */
  read(changed) {
    const ask = { ...this.initial, changed, notes: {} }, filters = [...(ask.kernels ?? [])], unread = {};
    for (const { name, read } of this.controls) {
      try {
        if (name.startsWith("kernel-")) filters[name.slice(7)] = read();
        else ask[name] = read();
      } catch (problem) {
        if (!(problem instanceof Misfit)) throw problem;
        unread[name] = problem.message;
      }
    }
    if (Object.keys(unread).length) throw new Unread(unread);
    if (JSON.stringify(ask.input) !== JSON.stringify(this.initial.input)) ask.photo = null;
    if (SINGLE && ask.input.length > 1) {
      throw new Misfit(`expected one matrix, found ${ask.input.length} channels; leave out the |.`, "input");
    }
    if (ask.kernels) ask.kernels = fitted(filters, ask.input.length);
    if (ask.bias && ask.bias.length !== filters.length) {
      throw new Misfit(`expected a number for each of ${counted(filters.length, "filter")}, found ${ask.bias.length}.`, "bias");
    }
    return ask;
  }

  /** Make the steps anew, or say what does not fit and leave them as they are. */
  follow(changed) {
    let found;
    try {
      found = explained(this.read(changed));
    } catch (problem) {
      if (!(problem instanceof Misfit)) throw problem;
      return this.say(problem.sentences(changed), true);
    }
    this.say(found.notes, false);
    this.render(found);
  }

  /** Show a sentence beside each control that has one. */
  say(sentences, wrong) {
    for (const { name, part } of this.controls) {
      const sentence = sentences[name] ?? "";
      part.querySelector(".wrong").textContent = capitalised(sentence);
      part.querySelector(`#set-${name}`).setAttribute("aria-invalid", String(wrong && sentence !== ""));
    }
    const all = Object.values(sentences).map(capitalised).join(" ");
    this.said.textContent = all || "";
  }

  /** Put an explanation in the place of the one on the page, at the step of the same title, or number. */
  render({ title, steps }) {
    const before = sections[current - 1].dataset.title ?? sections[current - 1].querySelector("h2").textContent;
    this.steps = steps;
    document.title = document.querySelector("h1").textContent = title;
    sections = steps.map((step, n) => element("section", { hidden: true }));
    sections.forEach((section, n) => Object.assign(section.dataset, { step: n + 1, title: steps[n].title }));
    document.querySelector("main").replaceChildren(...sections);
    find("slider").max = sections.length;
    const same = steps.findIndex((step) => step.title === before);
    show(same < 0 ? current : same + 1);
    if (!this.said.textContent) this.said.textContent = `${title}: ${counted(steps.length, "step")}`;
  }

  /** Draw a step when it is first shown. */
  fill(n) {
    if (this.steps && !sections[n].firstChild) sections[n].innerHTML = stepHtml(this.steps[n], this.pictures);
  }
}

/** Filters of one size with so many channels; one of a single channel lies on all. */
function fitted(filters, channels) {
  const whole = filters.map((filter, k) => {
    const planes = filter.length === 1 ? Array(channels).fill(filter[0]) : filter;
    if (planes.length === channels) return planes;
    throw new Misfit(`expected ${counted(channels, "channel")} of one size, as the input has, found ${planes.length}.`, `kernel-${k}`);
  });
  const odd = whole.findIndex((filter) => by(shapeOf(filter[0])) !== by(shapeOf(whole[0][0])));
  if (odd > 0) throw new Misfit("the filters of one layer have the same size; these do not.", `kernel-${odd}`);
  return whole;
}

const live = new Live(page.settings);
fill = (n) => live.fill(n);
