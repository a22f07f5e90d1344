/* As explaining/pixels.py. */
const TINT = ["red", "green", "blue"];

/** A number as a pixel has it: cut to 0 … 255, a half to the even one. */
function asPixel(value) {
  const below = Math.floor(value), half = value - below;
  const rounded = half > 0.5 || (half === 0.5 && below % 2 !== 0) ? below + 1 : below;
  return Math.min(Math.max(rounded, 0), 255);
}

/** Volumes as pixels [h][w] or [h][w][3]; other than three channels show their mean. */
function asPixels(volume) {
  const mean = (i, j) => sum(volume.map((plane) => plane[i][j])) / volume.length;
  return matrix(shapeOf(volume[0]), (i, j) =>
    (volume.length === 3 ? volume.map((plane) => asPixel(plane[i][j])) : asPixel(mean(i, j))));
}

topics.pixels = (ask) => {
  const volume = ask.input, count = volume.length, size = shapeOf(volume[0]);
  const several = count === 3 ? TINT : volume.map((_, c) => `channel ${c + 1}`);
  const names = count === 1 ? ["grey"] : several;
  const crop = { picture: ask.photo === null ? ask.name : "the crop", pixels: asPixels(volume) };
  const pictures = ask.photo === null ? [crop] : [{ picture: ask.photo, pixels: null }, arrow("→"), crop];
  const grids = volume.map((plane, c) => pixelGrid(plane, c, names[c], count));
  const told = `${by([...size, count])} = ${size[0] * size[1] * count} numbers from 0 (dark) to 255 (bright)`;
  const rows = count === 1 ? [[...pictures, arrow("="), ...grids]] : [pictures, grids];
  return {
    title: `The data of an image: ${by(count === 1 ? size : [...size, count])} numbers`,
    steps: [
      step("The image and its numbers", ...rows, told),
      ...(count === 1 ? [] : volume.map((plane, c) => channelStep(plane, c, names[c], count))),
    ],
  };
};

const pixelGrid = (plane, c, name, count) => grid(plane, name, {}, null, { shade: shadeOf(c, count) });

/** One channel alone: its matrix, and the picture that it would be. */
function channelStep(plane, c, name, count) {
  const tinted = (value) => TINT.map((_, n) => (n === c ? value : 0)), numbers = plane.flat();
  const pixels = plane.map((row) => row.map((value) => (count === 3 ? tinted(asPixel(value)) : asPixel(value))));
  return step(
    capitalised(name),
    [{ picture: `${name} alone`, pixels }, arrow("="), pixelGrid(plane, c, name, count)],
    `${name}: from ${number(Math.min(...numbers))} to ${number(Math.max(...numbers))}, ` +
      `mean ${number(sum(plane) / numbers.length)}`,
  );
}
