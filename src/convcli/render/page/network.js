"use strict";
/*
 * A trained network of convcli, and what becomes of one image in it.
 */
Object.assign(engine, (() => {
  const { count, map, LAYERS, plus, sequence, softmax, times } = engine;

  // Probabilities ----------------------------------------------------------------------------------------

  /** The nearest shares that sum to 1. Source: Duchi, Shalev-Shwartz, Singer and Chandra, 2008. */
  function nearestShares(outputs) {
    const most = outputs.reduce((a, b) => Math.max(a, b));
    const shifted = Float64Array.from(outputs, (z) => z - most);
    const descending = shifted.slice().sort().reverse();
    let sum = 0, excess = 0;
    descending.forEach((value, k) => {
      sum += value;
      if (value > (sum - 1) / (k + 1)) excess = (sum - 1) / (k + 1);
    });
    return shifted.map((value) => Math.max(value - excess, 0));
  }

  const PROBABILITIES = { cross_entropy: softmax, focal: softmax, mean_squared_error: nearestShares };

  // Networks ---------------------------------------------------------------------------------------------

  /** A number of 16 bits, as IEEE 754 has it. */
  function half(bits) {
    const exponent = (bits >> 10) & 31, fraction = (bits & 1023) / 1024;
    const size = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
    return bits >> 15 ? -size : size;
  }

  /** An array of weights as float32. Of int8 each number is times the scale of its place on the last axis. */
  function unpacked({ shape, type, offset, scales }, buffer) {
    const length = count(shape);
    if (type === "float32") return { shape, data: new Float32Array(buffer, offset, length) };
    if (type === "float16") {
      return { shape, data: Float32Array.from(new Uint16Array(buffer, offset, length), half) };
    }
    const last = shape.at(-1), factors = new Float32Array(buffer, scales, last);
    const values = new Int8Array(buffer, offset, length);
    return { shape, data: Float32Array.from(values, (value, k) => value * factors[k % last]) };
  }

  /** Bytes that are written as base64. */
  function bytes(text) {
    const signs = atob(text.trim()), result = new Uint8Array(signs.length);
    for (let k = 0; k < signs.length; k++) result[k] = signs.charCodeAt(k);
    return result.buffer;
  }

  /** An image, left and right exchanged. */
  function mirrored(x) {
    const [, width, channels] = x.shape;
    return map(x, (_, k) => {
      const channel = k % channels, cell = (k - channel) / channels, column = cell % width;
      return x.data[(cell + width - 1 - 2 * column) * channels + channel];
    });
  }

  /**
   * A network of the `document` and the weights (an ArrayBuffer) that `render/page/document.py` makes.
   *
   * prepare(pixels) gives its input for the pixels, 0 … 255, of an image of its size; run(x) what becomes of
   * that; cell(run, number, at) what made a cell of a layer's output.
   */
  function network(document, buffer) {
    const { input, preprocessing, flips, loss } = document;
    const places = new Map(document.places.map((place) => [String(place.number), place]));
    const arrays = Object.entries(document.arrays).map(([name, array]) => [name, unpacked(array, buffer)]);

    function built({ layers = [], ...options }, number) {
      if (!(options.type in LAYERS)) throw new Error(`This page knows no layer of type ${options.type}.`);
      const own = arrays.filter(([name]) => name.slice(0, name.lastIndexOf(".")) === number);
      return {
        ...options,
        number,
        place: places.get(number),
        arrays: Object.fromEntries(own.map(([name, array]) => [name.slice(number.length + 1), array])),
        layers: layers.map((child, k) => built(child, `${number}.${k + 1}`)),
      };
    }

    const layers = document.layers.map((layer, k) => built(layer, String(k + 1)));

    function prepare(pixels) {
      if (pixels.length !== count(input)) {
        throw new RangeError(`Expected ${input.join(" × ")} numbers, found ${pixels.length}.`);
      }
      const { mean, deviation } = preprocessing, channels = input[2];
      const factor = Float32Array.from(deviation, (value) => 1 / (255 * value));
      const term = Float32Array.from(deviation, (value, k) => -mean[k] / value);
      const scaled = Float32Array.from(pixels, (value, k) => value * factor[k % channels]);
      return { shape: input, data: scaled.map((value, k) => value + term[k % channels]) };
    }

    /** A pass of one image: records of what went into each layer and came out, by number. */
    function pass(x) {
      const records = new Map();
      const inside = (layer, given) => {
        const [output, back] = LAYERS[layer.type](layer, given, inside);
        const record = { layer, input: given, output };
        records.set(layer.number, record);
        return [output, (dy) => back(record.gradient = dy)];
      };
      const [outputs, back] = sequence({ layers }, x, inside);
      return { records, outputs, back };
    }

    /**
     * What becomes of x: `outputs`, with flips the means of those for the image and for its mirror image;
     * `probabilities`; input(number) and output(number) of a layer, "3.1" of the first in the third, for the
     * image as it is; gradient(k, number), the k-th output's with respect to output(number), or to x for 0.
     */
    function run(x) {
      const passes = [pass(x), ...(flips ? [pass(mirrored(x))] : [])], [{ records }] = passes;
      const outputs = times(passes.map(({ outputs }) => outputs).reduce(plus), 1 / passes.length);
      if (!outputs.data.every(Number.isFinite)) throw new RangeError("The outputs are beyond float32.");

      let asked = null, ofImage = null;
      function gradient(index, number = 0) {
        if (asked !== index) {
          const dy = map(outputs, (_, k) => (k === index ? 1 / passes.length : 0));
          const [direct, flipped] = passes.map(({ back }) => back(dy));
          [asked, ofImage] = [index, flipped ? plus(direct, mirrored(flipped)) : direct];
        }
        return number ? record(number).gradient : ofImage;
      }

      function record(number) {
        const found = records.get(String(number));
        if (!found) throw new RangeError(`There is no layer ${number}.`);
        return found;
      }

      return {
        x, outputs: outputs.data, probabilities: PROBABILITIES[loss.type](outputs.data), record, gradient,
        input: (number) => record(number).input,
        output: (number) => record(number).output,
      };
    }

    return { document, places, layers, prepare, run, cell: engine.cell };
  }

  return { PROBABILITIES, bytes, network };
})());
