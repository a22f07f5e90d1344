"use strict";
/*
 * Where images come from: the board, files, the clipboard, the samples, the camera. `show(image, said, truth)` is
 * called for each: what goes into the network, how it came to be so in words, and the true class or null.
 */
class Sources {
  static SMALL = 64; // pixels: what is larger, or coloured, is not drawn

  constructor(net, show) {
    const { input, preprocessing, drawing: found, samples } = net.document;
    Object.assign(this, { size: input.slice(0, 2), channels: input[2], preprocessing, found, show, picture: null });
    if (this.channels === 1 && Math.max(...this.size) <= Sources.SMALL) this.drawing();
    else find("pictures-title").textContent = "A picture";
    this.files();
    this.cameras();
    this.samples(samples);
    find("invert").addEventListener("change", () => this.look());
  }

  // Drawings ---------------------------------------------------------------------------------------------

  drawing() {
    const { found, size } = this, dark = this.preprocessing.mean[0] < 0.5;
    const usual = found?.thickness[1] ?? Math.max(...size) / 12;
    this.pen = found ?? { ground: dark ? 0 : 255, ink: dark ? 255 : 0 };
    find("drawing").hidden = false;
    find("prepare-label").hidden = !found;
    find("habits").textContent = found ? Sources.habits(found) : "How training images are drawn is not known.";
    this.board = new drawing.Board(find("board"), size, { ...this.pen, width: usual }, () => this.drawn());
    const brush = Object.assign(find("brush"), { min: 0.5, max: Math.max(3 * usual, 4).toFixed(1), value: usual });
    brush.oninput = () => {
      this.board.width = Number(brush.value);
      find("brush-width").textContent = `${rough(this.board.width, 2)} px`;
    };
    brush.oninput();
    find("undo").onclick = () => this.board.undo();
    find("clear").onclick = () => this.board.clear();
    find("prepare").addEventListener("change", () => this.drawn());
  }

  /** What training images have in common, in words. */
  static habits({ ground, ink, thickness, side, centred, row, column, images }) {
    const spread = ([low, middle, high]) =>
      (low === high ? rough(middle, 3) : `${rough(middle, 3)} (${rough(low, 3)} … ${rough(high, 3)})`);
    const what = centred === "mass" ? "centre of mass" : "middle of the box";
    return `Of ${withCommas(images)} training images: ink ${ink} on ${ground}, strokes ${spread(thickness)} pixels `
      + `thick, longer side ${spread(side)}, ${what} at row ${spread(row)}, column ${spread(column)}; in brackets, `
      + "where nine tenths lie.";
  }

  drawn() {
    this.rest();
    const found = find("prepare").checked ? this.found : null;
    const { image, told } = drawing.image(this.board.strokes, this.size, this.pen, found);
    this.show(image, told);
  }

  // Pictures ---------------------------------------------------------------------------------------------

  files() {
    const take = (file) => file && this.open(file);
    find("file").addEventListener("change", ({ target }) => {
      take(target.files[0]);
      target.value = ""; // so that the same may be chosen again
    });
    addEventListener("paste", (event) => take(pictures.among(event.clipboardData)));
    const dropping = (event, shown) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
      event.preventDefault();
      find("drop").hidden = !shown;
    };
    addEventListener("dragover", (event) => dropping(event, true));
    addEventListener("dragleave", (event) => { if (!event.relatedTarget) dropping(event, false); });
    addEventListener("drop", (event) => {
      dropping(event, false);
      const [file] = event.dataTransfer?.files ?? [];
      take(pictures.among(event.dataTransfer) ?? file);
    });
  }

  async open(file) {
    try {
      const { rgba, notes } = await pictures.ofFile(file);
      this.rest();
      const { width, height } = rgba;
      this.picture = { rgba, said: [`${file.name || "The picture"}, ${by([width, height])} pixels.`, ...notes] };
      this.look();
    } catch (error) {
      find("trouble").textContent = error.message;
    }
  }

  /** Show the picture at hand as the network takes it. */
  look() {
    if (!this.picture) return;
    const { rgba, said, truth = null, exact = false } = this.picture, { presentation } = this.preprocessing;
    let image = pixels.shown(rgba, this.channels, exact ? { ...presentation, range: null } : presentation);
    const fitted = image.shape[0] !== this.size[0] || image.shape[1] !== this.size[1];
    if (fitted) image = pixels.fitted(image, this.size, presentation);
    const invert = find("invert").checked, ways = { stretch: "stretched", pad: "padded", crop: "cropped" };
    find("invert-label").hidden = false;
    const how = `Here ${by(this.size)}: ${ways[presentation.fit]}, by Lanczos’ filter, as convcli predict does.`;
    this.show(invert ? pixels.inverted(image) : image, [...said, ...(fitted ? [how] : [])].join(" "), truth);
  }

  /** Leave what was looked at before. */
  rest() {
    this.camera.stop();
    this.picture = null;
    find("invert-label").hidden = true;
    find("invert").checked = false;
    this.seeing();
  }

  samples(all) {
    this.group(all.filter(({ right }) => right), "judged rightly");
    this.group(all.filter(({ right }) => !right), "judged wrongly, the surest mistakes first");
  }

  group(samples, told) {
    if (!samples.length) return;
    const list = made("ul", { className: "samples", "aria-label": `Images ${told}` });
    list.append(...samples.map((sample) => made("li", {}, this.sample(sample))));
    find("samples").append(made("p", { className: "faint" }, `Images that training never saw, ${told}:`), list);
  }

  sample({ image, name, truth, predicted, right }) {
    const picture = made("img", { src: image, alt: `Image ${name}` });
    const words = right ? [truth] : [`${truth} `, made("small", {}, `taken for ${predicted}`)];
    const button = made("button", { type: "button" }, picture, made("span", {}, ...words));
    button.onclick = async () => {
      await picture.decode();
      this.rest();
      const { rgba } = pictures.ofElement(picture);
      this.picture = { rgba, said: [`Image ${name}, a true ${truth}.`], truth, exact: true };
      this.look();
    };
    return button;
  }

  cameras() {
    this.camera = new pictures.Camera(find("video"), (video) => {
      const { rgba } = pictures.ofElement(video), size = by([rgba.width, rgba.height]);
      this.picture = { rgba, said: [`What the camera sees, ${size} pixels.`] };
      this.look();
    });
    find("camera").onclick = async () => {
      if (this.camera.runs) return this.rest();
      this.rest();
      find("trouble").textContent = "";
      try {
        await this.camera.start();
      } catch (error) {
        find("trouble").textContent = error.message;
      }
      this.seeing();
    };
    find("keep").onclick = () => {
      this.camera.stop();
      this.seeing();
    };
    find("stop").onclick = () => this.rest();
  }

  seeing() {
    find("viewfinder").hidden = !this.camera.runs;
    find("camera").setAttribute("aria-pressed", this.camera.runs);
  }
}
