"use strict";
/*
 * Numbers as colours: blue below zero, orange above, by the style sheet's own; and pixels as they are.
 */
const colours = (() => {
  const STEPS = 255; // from zero to the largest number, on either side
  const STOPS = ["--far-below", "--below", "--zero", "--above", "--far-above"];
  let known = null;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { known = null; });

  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

  /** The colours of −1 … 1, three bytes each. */
  function ramp() {
    if (known) return known;
    const style = getComputedStyle(document.documentElement);
    const stops = STOPS.map((name) => rgb(style.getPropertyValue(name).trim()));
    known = new Uint8ClampedArray(3 * (2 * STEPS + 1));
    for (let step = 0; step <= 2 * STEPS; step++) {
      const place = (step / (2 * STEPS)) * (stops.length - 1), from = Math.min(Math.floor(place), stops.length - 2);
      for (let c = 0; c < 3; c++) {
        known[3 * step + c] = stops[from][c] + (stops[from + 1][c] - stops[from][c]) * (place - from);
      }
    }
    return known;
  }

  /** The numbers of a tensor's smallest and largest, as a legend says them. */
  function range({ data }) {
    let low = Infinity, high = -Infinity;
    for (const value of data) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return { low, high, most: Math.max(Math.abs(low), Math.abs(high)) };
  }

  /** Draw rows × columns of numbers, value(row, column), from −most to most. */
  function draw(canvas, rows, columns, value, most) {
    [canvas.height, canvas.width] = [rows, columns];
    const picture = new ImageData(columns, rows), table = ramp();
    for (let row = 0, at = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at += 4) {
        const share = most > 0 ? Math.min(Math.max(value(row, column) / most, -1), 1) : 0;
        const step = 3 * Math.round((share + 1) * STEPS);
        for (let c = 0; c < 3; c++) picture.data[at + c] = table[step + c];
        picture.data[at + 3] = 255;
      }
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  /** Draw numbers over a picture: the larger, the less can be seen through. */
  function lay(canvas, rows, columns, value, most) {
    [canvas.height, canvas.width] = [rows, columns];
    const picture = new ImageData(columns, rows), style = getComputedStyle(document.documentElement);
    const [below, above] = ["--lowers", "--raises"].map((name) => rgb(style.getPropertyValue(name).trim()));
    for (let row = 0, at = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at += 4) {
        const share = most > 0 ? value(row, column) / most : 0, colour = share < 0 ? below : above;
        for (let c = 0; c < 3; c++) picture.data[at + c] = colour[c];
        picture.data[at + 3] = Math.min(Math.abs(share), 1) * 230;
      }
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  /** Draw an image as it is. */
  function show(canvas, image) {
    [canvas.height, canvas.width] = image.shape;
    canvas.getContext("2d").putImageData(pixels.onCanvas(image), 0, 0);
  }

  return { range, draw, lay, show };
})();
