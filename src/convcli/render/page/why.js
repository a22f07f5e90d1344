"use strict";
/*
 * Which pixels have to do with the score of a class: gradient, Grad-CAM and occlusion, as nn/attribution has them.
 *
 * A map is {map, ...}: a number for each pixel, row by row, in a Float64Array. The score is the network's output
 * before softmax; with flips it is the mean of those for the image and for its mirror image, and so is a map.
 */
const why = (() => {
  const PATCH = 5, STEPS = 4; // a patch is a fifth of the image's side, its step a quarter of its own

  /** ∂score/∂pixel, by a level of 255: of several channels the largest, without its sign. */
  function gradient(net, run, label) {
    const { data, shape: [rows, columns, channels] } = run.gradient(label, 0);
    const { deviation } = net.document.preprocessing;
    const map = new Float64Array(rows * columns);
    for (let k = 0; k < map.length; k++) {
      const slopes = Array.from({ length: channels }, (_, c) => data[k * channels + c] / (255 * deviation[c]));
      map[k] = channels === 1 ? slopes[0] : Math.max(...slopes.map(Math.abs));
    }
    return { map };
  }

  /** The last layer that gives a plane of cells and has all of the network going through it; undefined if none has. */
  function planeOf(net) {
    const types = new Map(net.document.places.map((place) => [place.number, place.type]));
    const passed = ({ number }) => number.split(".").slice(0, -1)
      .every((_, n, parts) => types.get(parts.slice(0, n + 1).join(".")) === "sequence");
    return net.document.places.findLast((place) =>
      place.output.length === 3 && place.output[0] * place.output[1] > 1 && passed(place));
  }

  /** For each pixel of an axis the cells beside it, and what part of each it takes: linear between their middles. */
  function between({ field, output }, [pixels, cells], axis) {
    const first = field ? field.start[axis] + (field.size[axis] - 1) / 2 : pixels / cells / 2 - 0.5;
    const apart = field ? field.jump[axis] : pixels / cells;
    return Array.from({ length: pixels }, (_, pixel) => {
      const at = Math.min(Math.max((pixel - first) / apart, 0), output[axis] - 1), below = Math.floor(at);
      return [[below, 1 - (at - below)], [Math.min(below + 1, output[axis] - 1), at - below]];
    });
  }

  /** relu(Σ α_k A_k) of a layer's maps, α_k the mean of ∂score/∂A_k, brought to the image's size. */
  function gradCam(net, run, label, image = null) {
    const place = planeOf(net), [height, width] = net.document.input, [rows, columns, channels] = place.output;
    const maps = run.output(place.number).data;
    run.gradient(label, 0);
    const slopes = run.gradient(label, place.number).data, weights = new Float64Array(channels);
    slopes.forEach((slope, k) => { weights[k % channels] += slope / (rows * columns); });
    const sums = new Float64Array(rows * columns);
    maps.forEach((value, k) => { sums[Math.floor(k / channels)] += weights[k % channels] * value; });
    const down = between(place, [height, rows], 0), across = between(place, [width, columns], 1);
    const map = new Float64Array(height * width);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (const [row, above] of down[y]) {
          for (const [column, beside] of across[x]) {
            map[y * width + x] += above * beside * Math.max(sums[row * columns + column], 0);
          }
        }
      }
    }
    if (net.document.flips && image) {
      const other = mirrored(image), turned = gradCam(net, net.run(net.prepare(other.data)), label).map;
      for (let k = 0; k < map.length; k++) map[k] += turned[k - (k % width) + width - 1 - (k % width)];
    }
    return { map, place };
  }

  function mirrored({ shape, data }) {
    const [, width, channels] = shape, turned = data.slice();
    for (let k = 0; k < data.length; k++) {
      const column = Math.floor(k / channels) % width;
      turned[k] = data[k + (width - 1 - 2 * column) * channels];
    }
    return { shape, data: turned };
  }

  /** Where patches begin on an axis: at every step, and so that the last one ends at the edge. */
  function begins(size, patch) {
    const step = Math.max(1, pixels.rounded(patch / STEPS));
    const all = [];
    for (let at = 0; at < size - patch; at += step) all.push(at);
    return [...all, size - patch];
  }

  /**
   * By how much the score falls where a patch covers the image: for each pixel the mean over all patches on it.
   * It takes a while; `wait()` is awaited between patches, and ends it when it gives false.
   */
  async function occlusion(net, run, label, image, wait) {
    const { shape: [rows, columns, channels], data } = image;
    const patch = [rows, columns].map((side) => Math.max(1, pixels.rounded(side / PATCH)));
    const fill = net.document.preprocessing.mean.map((mean) => pixels.rounded(Math.min(Math.max(255 * mean, 0), 255)));
    const map = new Float64Array(rows * columns), counts = new Float64Array(rows * columns);
    const [tops, lefts] = [begins(rows, patch[0]), begins(columns, patch[1])];
    const eachPixel = (top, left, visit) => {
      for (let y = top; y < top + patch[0]; y++) for (let x = left; x < left + patch[1]; x++) visit(y * columns + x);
    };
    for (const top of tops) {
      for (const left of lefts) {
        if (!await wait()) return null;
        const covered = data.slice();
        eachPixel(top, left, (k) => covered.set(fill, k * channels));
        const drop = run.outputs[label] - net.run(net.prepare(covered)).outputs[label];
        eachPixel(top, left, (k) => { map[k] += drop; counts[k] += 1; });
      }
    }
    return { map: map.map((sum, k) => sum / counts[k]), patch, fill, patches: tops.length * lefts.length };
  }

  return { gradient, gradCam, planeOf, occlusion };
})();
