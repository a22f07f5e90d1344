"use strict";
/*
 * A browser's picture as the bytes that a network sees: digit for digit what `convcli predict` makes of it.
 *
 * Images are {shape: [h, w, c], data: Uint8ClampedArray}.
 */
const pixels = (() => {
  const LUMA = [19595, 38470, 7471]; // ITU-R 601 in units of 1/65536, as Pillow's mode L has it
  const LOBES = 3; // of Lanczos' filter
  const UNITS = 2 ** 22; // Pillow's filters have whole weights, so many of which are 1

  const image = (shape) => ({ shape, data: new Uint8ClampedArray(shape[0] * shape[1] * shape[2]) });

  const sinc = (x) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));
  const lanczos = (x) => (x >= -LOBES && x < LOBES ? sinc(x) * sinc(x / LOBES) : 0);

  /** For each of `to` cells: where the window begins among `from` cells, and the weights of what lies in it. */
  function filters(from, to) {
    const scale = from / to, wide = Math.max(scale, 1), support = LOBES * wide;
    return Array.from({ length: to }, (_, n) => {
      const centre = (n + 0.5) * scale;
      const first = Math.max(Math.trunc(centre - support + 0.5), 0);
      const end = Math.min(Math.trunc(centre + support + 0.5), from);
      const weights = Array.from({ length: end - first }, (_, k) => lanczos((k + first - centre + 0.5) / wide));
      const sum = weights.reduce((a, b) => a + b, 0), whole = (x) => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
      return { first, weights: weights.map((weight) => whole((weight / sum) * UNITS)) };
    });
  }

  /** An image with an axis (0: rows, 1: columns) of another length. */
  function resizedAlong(source, axis, length) {
    const shape = [...source.shape];
    if (shape[axis] === length) return source;
    const steps = filters(shape[axis], length);
    shape[axis] = length;
    const result = image(shape), [rows, columns, channels] = shape, width = source.shape[1] * channels;
    const step = axis ? channels : width;
    let at = 0;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const { first, weights } = steps[axis ? column : row];
        const from = (axis ? row * width : column * channels) + first * step;
        for (let channel = 0; channel < channels; channel++) {
          let sum = UNITS / 2;
          for (let k = 0; k < weights.length; k++) sum += source.data[from + k * step + channel] * weights[k];
          result.data[at++] = Math.floor(sum / UNITS);
        }
      }
    }
    return result;
  }

  /** An image in so many rows and columns by Lanczos' filter, as Pillow computes it: axis by axis, each rounded. */
  function resized(source, size) {
    const [lost, beside] = [0, 1].map((axis) => source.shape[axis] - size[axis]);
    const order = lost > 0 && lost > 2 * beside ? [0, 1] : [1, 0];
    return order.reduce((image, axis) => resizedAlong(image, axis, size[axis]), source);
  }

  /** The nearest whole number, of two the even one, as Python's `round`. */
  function rounded(x) {
    const below = Math.floor(x), rest = x - below;
    if (rest === 0.5) return below % 2 ? below + 1 : below;
    return rest < 0.5 ? below : below + 1;
  }

  const grey = ([red, green, blue]) => Math.floor((red * LUMA[0] + green * LUMA[1] + blue * LUMA[2] + 0x8000) / 65536);

  /** An image of the network's size; `fit` is "stretch", "pad" or "crop". */
  function fitted(source, size, { fit, background }) {
    const [rows, columns, channels] = source.shape;
    if (rows === size[0] && columns === size[1]) return source;
    if (fit === "stretch") return resized(source, size);
    const both = [size[0] / rows, size[1] / columns];
    const scale = fit === "pad" ? Math.min(...both) : Math.max(...both);
    const scaled = resized(source, [rows, columns].map((n) => Math.max(1, rounded(n * scale))));
    const [top, left] = [0, 1].map((axis) => Math.floor((scaled.shape[axis] - size[axis]) / 2));
    const ground = channels === 1 ? [grey(background)] : background;
    const result = image([...size, channels]);
    for (let row = 0; row < size[0]; row++) {
      for (let column = 0; column < size[1]; column++) {
        const [y, x] = [row + top, column + left];
        const lies = y >= 0 && x >= 0 && y < scaled.shape[0] && x < scaled.shape[1];
        for (let channel = 0; channel < channels; channel++) {
          result.data[(row * size[1] + column) * channels + channel] =
            lies ? scaled.data[(y * scaled.shape[1] + x) * channels + channel] : ground[channel];
        }
      }
    }
    return result;
  }

  /** Which levels of a picture of 8 bits are black and white. */
  function limits({ range, said }) {
    return said && range && range[0] >= 0 && range[1] <= 255 ? range : [0, 255];
  }

  /** RGBA of a canvas as an image of its size in the network's channels: what is transparent lies on its ground. */
  function shown({ width, height, data }, channels, presentation) {
    const result = image([height, width, channels]), { background } = presentation;
    const [low, high] = limits(presentation), colour = [0, 0, 0];
    for (let from = 0, at = 0; from < data.length; from += 4) {
      const alpha = data[from + 3] / 255;
      for (let c = 0; c < 3; c++) {
        let level = data[from + c];
        if (low !== 0 || high !== 255) level = Math.min(Math.max(((level - low) * 255) / (high - low), 0), 255);
        if (alpha < 1) level = level * alpha + background[c] * (1 - alpha);
        colour[c] = Math.floor(level + 0.5);
      }
      if (channels === 1) result.data[at++] = grey(colour);
      else for (const level of colour) result.data[at++] = level;
    }
    return result;
  }

  /** Dark for bright. */
  const inverted = ({ shape, data }) => ({ shape, data: data.map((level) => 255 - level) });

  /** Pixels as a canvas of their size has them. */
  function onCanvas({ shape: [height, width, channels], data }) {
    const result = new ImageData(width, height);
    for (let k = 0; k < width * height; k++) {
      for (let c = 0; c < 3; c++) result.data[4 * k + c] = data[k * channels + (channels === 1 ? 0 : c)];
      result.data[4 * k + 3] = 255;
    }
    return result;
  }

  return { fitted, resized, rounded, shown, inverted, onCanvas };
})();
