/* The page: what the reader changes, and the steps that follow. page.html's own script shows one of them. */
const MOST_STEPS_SHOWN = 400;
const SINGLE = ["convolution", "flip", "padding", "stride", "dilation", "sharing"].includes(told.topic);

/** The explanation of settings: of its steps those that the command chose. */
function explained(ask) {
  const { title, steps } = topics[told.topic](ask), many = counted(steps.length, "step");
  const chosen = ask.only ? ask.only.filter((n) => n < steps.length).map((n) => steps[n]) : steps;
  if (!chosen.length) throw new Misfit(`then there is no more than ${many}, and this page shows later ones.`);
  if (chosen.length > MOST_STEPS_SHOWN) {
    throw new Misfit(`${told.topic} has ${many} then; at most ${MOST_STEPS_SHOWN} can be followed.`);
  }
  return { title, steps: chosen };
}

/** Filters of one size with so many channels; one of a single channel lies on all. */
function fitted(filters, channels) {
  const fit = filters.map((filter, k) => {
    const planes = filter.length === 1 ? Array(channels).fill(filter[0]) : filter;
    if (planes.length === channels) return planes;
    const expected = `expected ${counted(channels, "channel")} of one size, as the input has`;
    throw new Misfit(`${expected}, found ${planes.length}.`, `kernel-${k}`);
  });
  const size = by(shapeOf(fit[0][0])), odd = fit.findIndex((filter) => by(shapeOf(filter[0])) !== size);
  if (odd > 0) throw new Misfit("the filters of one layer have the same size; these do not.", `kernel-${odd}`);
  return fit;
}

class Live {
  constructor(settings) {
    this.settings = settings;
    this.controls = controlsOf(settings);
    for (const control of this.controls) this.show(control);
    this.ask = this.read(null);
    this.steps = explained(this.ask).steps;
    this.digits = digitsOf(this.steps);
    const photo = settings.photo && document.querySelector("section figure:has(image)");
    this.pictures = photo ? { [settings.photo]: photo.outerHTML } : {};
    this.armed = new WeakSet();
    this.said = element("p", { className: "said", role: "status" });
    document.querySelector("main").before(this.panel());
    addEventListener("beforeprint", () => sections.forEach((_, n) => this.fill(n)));
  }

  panel() {
    const parts = this.controls.map(({ part }) => part), large = (part) => part.querySelector("textarea");
    const reset = element("button", { type: "reset", textContent: "Reset" });
    const small = element("div", { className: "knobs" }, ...parts.filter((part) => !large(part)), reset);
    const form = element("form", { className: "knobs", autocomplete: "off" }, ...parts.filter(large), small);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", (event) => { event.preventDefault(); this.reset(); });
    for (const { name, part } of this.controls) part.addEventListener("input", () => this.follow(name));
    const hint = element("p", { className: "hint", textContent: "Or click on a number of these in the steps." });
    const summary = element("summary", { textContent: "Change the numbers" });
    return element("details", { open: innerWidth >= 700, ontoggle: fit }, summary, form, hint, this.said);
  }

  /** Show in a control what the command said. */
  show({ name, write }) {
    write(name.startsWith("kernel-") ? this.settings.kernels[name.slice(7)] : this.settings[name]);
  }

  reset() {
    for (const control of this.controls) this.show(control);
    this.follow(null);
  }

  /** The settings as the controls have them; `changed` is the name of the one that the reader touched. */
  read(changed) {
    const ask = { ...this.settings, changed, notes: {} }, filters = [...(ask.kernels ?? [])], unread = {};
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
    if (!same(ask.input, this.settings.input)) Object.assign(ask, { photo: null, name: "input", pixels: false });
    if (SINGLE && ask.input.length > 1) {
      throw new Misfit(`expected one matrix, found ${ask.input.length} channels; leave out the |.`, "input");
    }
    if (ask.kernels) ask.kernels = fitted(filters, ask.input.length);
    if (ask.bias && ask.bias.length !== filters.length) {
      const expected = `expected a number for each of ${counted(filters.length, "filter")}`;
      throw new Misfit(`${expected}, found ${ask.bias.length}.`, "bias");
    }
    return ask;
  }

  /** Make the steps anew, or say what does not fit and leave them as they are. */
  follow(changed) {
    let ask, found;
    try {
      ask = this.read(changed);
      found = explained(ask);
    } catch (problem) {
      if (!(problem instanceof Misfit)) throw problem;
      return this.say(problem.sentences(changed), true);
    }
    this.ask = ask;
    this.say(ask.notes, false);
    this.render(found);
  }

  /** Show a sentence beside each control that has one, and have all read out. */
  say(sentences, wrong) {
    for (const control of this.controls) control.say(sentences[control.name] ?? "", wrong);
    this.said.textContent = Object.values(sentences).map(capitalised).join(" ");
  }

  /** Put an explanation in the place of the one on the page, at the step of the same title, or number. */
  render({ title, steps }) {
    const at = steps.findIndex((step) => step.title === this.steps[current - 1].title);
    this.steps = steps;
    this.digits = digitsOf(steps);
    document.title = document.querySelector("h1").textContent = title;
    sections = steps.map(() => element("section", { hidden: true }));
    sections.forEach((section, n) => {
      section.dataset.step = n + 1;
      section.id = `step-${n + 1}`;
    });
    document.querySelector("main").replaceChildren(...sections);
    find("slider").max = sections.length;
    fit();
    show(at < 0 ? current : at + 1);
    this.said.textContent ||= `${title}: ${counted(steps.length, "step")}`;
  }

  /** Draw a step when it is first shown; the first ones stand there as the command wrote them. */
  fill(n) {
    const section = sections[n];
    if (!section.firstChild) section.innerHTML = stepHtml(this.steps[n], this.digits, this.pictures);
    if (!this.armed.has(section)) arm(section, this.steps[n], this);
    this.armed.add(section);
  }
}

/** The page made live, unless the command said what the controls do not reach. */
let live = null;
try {
  live = new Live(told.settings);
  fill = (n) => live.fill(n);
  fit();
  show(current);
} catch (problem) {
  if (!(problem instanceof Misfit)) throw problem;
}
