"use strict";
/*
 * The page: what is shown goes through the network, and all that there is to see of it follows.
 */
const net = engine.network(JSON.parse(find("network").textContent), engine.bytes(find("weights").textContent));
let sources, cell;
{
  const SLOW = 60; // milliseconds: where a run takes longer, as long is left to the page after it
  const FAR = 1 / 4, LEAST = 0.02; // as Preprocessing.far: how far beyond the range of training images, and at least

  const answer = new Answer(net.document.classes), reasons = new Reasons(net);
  cell = new CellPanel(net);
  const maps = new Maps(net, (place, at) => cell.choose(place, at));
  let asked = null, took = 0, waiting = 0;

  /** Whether an image is much brighter or darker than all that the network was trained on. */
  function isFar({ data }) {
    const { brightness } = net.document.preprocessing;
    if (!brightness) return false;
    const [low, high] = brightness, margin = Math.max(FAR * (high - low), LEAST);
    const mean = data.reduce((sum, level) => sum + level, 0) / data.length / 255;
    return mean < low - margin || mean > high + margin;
  }

  function look() {
    waiting = 0;
    const { image, said, truth } = asked, began = performance.now();
    colours.show(find("seen"), image);
    find("seen-said").textContent = said;
    try {
      const run = net.run(net.prepare(image.data));
      took = performance.now() - began;
      const best = answer.show(run, truth);
      const far = "It is much brighter or darker than all training images: the answer may mean nothing.";
      find("seen-said").textContent = isFar(image) ? `${said} ${far}` : said;
      const both = net.document.flips ? " The mean for the image and its mirror image; the maps are the image’s." : "";
      find("took").textContent = `Computed here in ${took < 10 ? took.toFixed(1) : Math.round(took)} ms.${both}`;
      find("trouble").textContent = "";
      maps.show(run);
      cell.show(image, run);
      reasons.show(image, run, best);
    } catch (error) {
      find("trouble").textContent = error.message;
      find("best").textContent = "–";
      find("best-share").textContent = find("judged").textContent = "";
    }
    find("answer").setAttribute("aria-busy", false);
  }

  /** Show an image: at the next picture of the screen, or where that is slow with pauses for all else. */
  function show(image, said, truth = null) {
    asked = { image, said, truth };
    find("answer").setAttribute("aria-busy", true);
    waiting ||= took > SLOW ? setTimeout(look, took) : requestAnimationFrame(look);
  }

  cell.stepped = (way) => maps.step(way);
  cell.closed = () => maps.leave();
  sources = new Sources(net, show);
  const first = find("samples").querySelector("button");
  [find("seen").height, find("seen").width] = net.document.input;
  if (first) first.click();
  else if (sources.board) sources.drawn();
}
