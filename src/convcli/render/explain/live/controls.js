/* What the reader changes: a control for each of a topic's settings. */
const told = JSON.parse(document.getElementById("settings").textContent);

/** Weights as Python tells them: whole, or the upper left corner of what is its own mirror image. */
function whole({ shape: [rows, columns], corner }) {
  const mirrored = (list, n, count) => list[n] ?? list[count - 1 - n];
  return matrix([rows, columns], (i, j) => mirrored(mirrored(corner, i, rows), j, columns));
}

/** Named kernels: the weights of each, or a sentence that says why it cannot be had. */
const kernels = Object.fromEntries(
  Object.entries(told.kernels).map(([name, kernel]) => [name, typeof kernel === "string" ? kernel : whole(kernel)]));
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A field with its label, and below it the place for what is wrong with it; `around` holds the field. */
class Control {
  constructor(name, label, field, { read, write, around = field }) {
    Object.assign(this, { name, label, field, read, write });
    field.id = `set-${name}`;
    field.setAttribute("aria-describedby", `wrong-${name}`);
    this.sentence = element("p", { className: "wrong", id: `wrong-${name}` });
    this.part = element("div", { className: "knob" },
      element("label", { htmlFor: field.id, textContent: label }), around, this.sentence);
  }

  /** Show a sentence, or none. */
  say(sentence, wrong) {
    this.sentence.textContent = capitalised(sentence);
    this.field.setAttribute("aria-invalid", String(wrong && sentence !== ""));
  }

  /** The reader has touched it. */
  touch() {
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** Matrices on several lines; `empty` stands there while there are none. */
function area(name, label, { read, write, empty = "" }) {
  const field = element("textarea", { spellcheck: false, wrap: "off", placeholder: empty });
  return new Control(name, label, field, {
    read: () => read(field.value),
    write(value) {
      field.value = write(value);
      const lines = field.value.split("\n");
      field.rows = Math.min(Math.max(lines.length, 3), 9);
      field.cols = Math.min(Math.max(...lines.map((line) => line.length), 11), 34) + 1;
    },
  });
}

function line(name, label, { read, write, empty }) {
  const field = element("input", { size: 9, placeholder: empty });
  return new Control(name, label, field, {
    read: () => read(field.value),
    write: (value) => { field.value = write(value); },
  });
}

/** One of several [words, value]. */
function choice(name, label, options) {
  const field = element("select", {},
    ...options.map(([words], n) => element("option", { value: n, textContent: words })));
  return new Control(name, label, field, {
    read: () => options[field.value][1],
    write: (value) => { field.value = options.findIndex(([, other]) => same(other, value)); },
  });
}

function flag(name, label) {
  const field = element("input", { type: "checkbox" });
  return new Control(name, label, field, {
    read: () => field.checked,
    write: (value) => { field.checked = value; },
  });
}

/** A whole number, or two; arrow keys and buttons make it larger and smaller. */
function pairOf(name, label) {
  const field = element("input", { size: 4, autocomplete: "off" }), steps = { ArrowUp: 1, ArrowDown: -1 };
  const change = (step) => {
    try {
      const pair = readPair(field.value).map((n) => Math.min(Math.max(n + step, 1), MOST_COUNT));
      field.value = writtenPair(pair);
    } catch {
      return; // what stands there is no number, as the page says already
    }
    control.touch();
  };
  field.onkeydown = (event) => {
    if (!(event.key in steps)) return;
    event.preventDefault();
    change(steps[event.key]);
  };
  const button = (sign, step, words) => element("button",
    { type: "button", textContent: sign, ariaLabel: `${label}: ${words}`, onclick: () => change(step) });
  const around = element("span", { className: "beside" }, button("−", -1, "less"), field, button("+", 1, "more"));
  const control = new Control(name, label, field, {
    around,
    read: () => readPair(field.value),
    write: (value) => { field.value = writtenPair(value); },
  });
  return control;
}

/** One filter: named kernels to choose from, above what is typed in. */
function filterOf(k, label) {
  const names = Object.keys(kernels).filter((name) => typeof kernels[name] !== "string");
  const list = element("select", { ariaLabel: `${label}: a named kernel` },
    ...["typed in", ...names].map((name) => element("option", { textContent: name })));
  const control = area(`kernel-${k}`, label, { read: (text) => readVolume(text, readKernel), write: written });
  /** Say by which name the weights that stand there are known. */
  const name = () => {
    let planes = [];
    try { planes = control.read(); } catch { /* they are none */ }
    const known = (one) => planes.length && planes.every((plane) => same(plane, kernels[one]));
    list.value = names.find(known) ?? "typed in";
  };
  const { write } = control;
  control.write = (planes) => { write(planes); name(); };
  control.field.addEventListener("input", name);
  list.oninput = () => { if (list.value !== "typed in") write([kernels[list.value]]); };
  control.field.before(list);
  return control;
}

/** Paddings to choose from, with the command's own. */
function paddings(own) {
  const all = (n) => [[n, n], [n, n]], numbers = [1, 2, 3, 4].map((n) => [String(n), all(n)]);
  const names = (...some) => some.map((name) => [name, name]);
  const first = {
    padding: [["none", null]],
    pooling: [["0", all(0)], ...names("same", "full")],
    "pooling-backward": [["0", all(0)], ...names("same", "full")],
  };
  const usual = [...(first[told.topic] ?? names("valid", "same", "full")), ...numbers];
  return usual.some(([, value]) => same(value, own)) ? usual : [...usual, [shortSides(own), own]];
}

/** The controls of a topic's settings. */
function controlsOf(settings) {
  const matrices = (name, label, empty) => area(name, label, {
    read: (text) => (empty && !text.trim() ? null : readVolume(text)),
    write: (value) => (value === null ? "" : written(value)),
    empty,
  });
  const makers = {
    input: () => [matrices("input", "Input")],
    kernels() {
      const count = settings.kernels.length, shown = shownOf(settings.filter ?? null, count, "filter");
      return shown.map((k) => filterOf(k, count > 1 ? `Filter ${k + 1}` : "Kernel"));
    },
    gradient: () => [matrices("gradient", "Gradient dA", told.topic === "backward" ? "1 everywhere" : "1, 2, 3, …")],
    bias: () => [line("bias", "Bias", {
      read: (text) => (text.trim() ? readRow(text, "") : null),
      write: (value) => (value ?? []).map(typed).join(" "),
      empty: "none",
    })],
    size: () => [pairOf("size", "Window")],
    stride: () => [pairOf("stride", "Stride")],
    padding: () => [choice("padding", told.topic === "padding" ? "One more" : "Padding", paddings(settings.padding))],
    dilation: () => [pairOf("dilation", "Dilation")],
    pool: () => [choice("pool", "Pool", ["max", "mean"].map((kind) => [kind, kind]))],
    ceil_mode: () => [flag("ceil_mode", "Round sizes up (ceil mode)")],
    count_include_pad: () => [flag("count_include_pad", "A mean counts padding")],
    activation: () => [choice("activation", "Activation g", settings.activations.map(({ name }) => [name, name]))],
  };
  return Object.keys(makers).filter((name) => name in settings).flatMap((name) => makers[name]());
}
