"use strict";
/*
 * The part of the page that says why: a method, a class, the map over the image, and what it does and does not say.
 */
class Reasons {
  static CHUNK = 12; // milliseconds of computing between two looks at what the reader does

  constructor(net) {
    Object.assign(this, { net, seen: null, turn: 0 });
    const classes = net.document.classes.map((name, k) => made("option", { value: k, textContent: name }));
    find("why-class").append(made("option", { value: "", textContent: "the answer" }), ...classes);
    if (!why.planeOf(net)) {
      find("why-method").querySelector("[value=gradCam]").disabled = true;
      find("why-method").value = "gradient";
    }
    const later = settled(() => this.draw(), 250);
    this.later = () => (find("why-method").value === "occlusion" ? later() : this.draw());
    for (const id of ["why-method", "why-class"]) find(id).addEventListener("change", () => this.draw());
    find("why").addEventListener("toggle", () => this.draw());
  }

  /** Say why of the image that a run was of; `best` is the class it was taken for. */
  show(image, run, best) {
    this.seen = { image, run, best };
    this.turn += 1;
    find("why-class").options[0].textContent = `the answer: ${this.net.document.classes[best]}`;
    if (find("why").open) this.later();
  }

  async draw() {
    if (!this.seen || !find("why").open) return;
    const { image, run, best } = this.seen, method = find("why-method").value;
    const label = find("why-class").value === "" ? best : Number(find("why-class").value);
    const turn = ++this.turn, name = this.net.document.classes[label];
    let found;
    if (method === "occlusion") {
      find("why-said").textContent = "Covering the image part by part …";
      found = await why.occlusion(this.net, run, label, image, this.pause(turn));
    } else if (method === "gradCam") {
      found = why.gradCam(this.net, run, label, image);
    } else {
      found = why.gradient(this.net, run, label);
    }
    if (!found || turn !== this.turn) return;
    const [rows, columns] = image.shape, { low, high, most } = colours.range({ data: found.map });
    colours.show(find("why-image"), image);
    colours.lay(find("why-map"), rows, columns, (row, column) => found.map[row * columns + column], most);
    find("why-low").textContent = rough(Math.min(low, 0), 3);
    find("why-high").textContent = rough(Math.max(high, 0), 3);
    find("why-below").hidden = !(low < 0);
    const [does, doesNot] = Reasons.SENTENCES[method](name, found, this.net.document);
    find("why-score").textContent = `Score of ${name}, the output before softmax: ${number(run.outputs[label])}.`;
    find("why-said").textContent = does;
    find("why-unsaid").textContent = doesNot;
  }

  /** What lets the page breathe, and says whether the work is still wanted. */
  pause(turn) {
    let since = performance.now();
    return async () => {
      if (performance.now() - since > Reasons.CHUNK) {
        await new Promise((resume) => { setTimeout(resume); });
        since = performance.now();
      }
      return turn === this.turn;
    };
  }

  /** What each map shows of a class, and what it does not. */
  static SENTENCES = {
    gradient: (name, found, { input: [, , channels] }) => [
      `Which pixels the score of ${name} follows most, if they change a little: ${channels === 1
        ? "warm where a brighter pixel raises it, cold where it lowers it"
        : "the largest change of the channels"}. The legend says by how much for one level of 255.`,
      "Not what the network has recognised: a pixel may matter whatever it shows, neighbours often differ by "
        + "chance, and further than a little the score may go another way.",
    ],
    gradCam: (name, { place: { number: layer, title, output } }, { input }) => [
      `Where the maps of layer ${layer}, ${title}, weighed by how the score follows them, speak for ${name}: `
        + "the warmer, the more (Selvaraju and others, 2017).",
      `Not what is seen there, nor what speaks against ${name}, which is left out; nor finer than `
        + `${by(output.slice(0, 2))} cells for ${by(input.slice(0, 2))} pixels.`,
    ],
    occlusion: (name, { patch, fill, patches }) => [
      `Where the score of ${name} falls when a patch of ${by(patch)} pixels, all ${fill.join(", ")}, covers the `
        + `image: at ${patches} places, a pixel has the mean of all patches over it. Warm: the score needs what is `
        + "there; cold: it stands in its way (Zeiler and Fergus, 2014).",
      "Not that nothing else counts: of two places that stand in for each other neither shows, and a patch is "
        + "itself something that the network may never have seen.",
    ],
  };
}
