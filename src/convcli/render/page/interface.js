"use strict";
const find = (id) => document.getElementById(id);
const told = JSON.parse(find("network").textContent);
const net = engine.network(told, engine.bytes(find("weights").textContent));

/** Pixels, 0 … 255, of a picture in the network's size. */
async function pixelsOf(file) {
  const [rows, columns, channels] = net.document.input;
  const canvas = new OffscreenCanvas(columns, rows), context = canvas.getContext("2d");
  context.drawImage(await createImageBitmap(file), 0, 0, columns, rows);
  const { data } = context.getImageData(0, 0, columns, rows);
  const cells = Array.from({ length: rows * columns }, (_, cell) => data.subarray(4 * cell, 4 * cell + 3));
  const grey = ([r, g, b]) => Math.round(0.299 * r + 0.587 * g + 0.114 * b);
  return cells.flatMap((cell) => (channels === 1 ? grey(cell) : [...cell]));
}

find("file").onchange = async ({ target }) => {
  const { probabilities } = net.run(net.prepare(await pixelsOf(target.files[0])));
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  find("classes").replaceChildren(...order.map((k) => {
    const item = document.createElement("li");
    item.textContent = `${net.document.classes[k]}: ${(100 * probabilities[k]).toFixed(1)} %`;
    return item;
  }));
};
