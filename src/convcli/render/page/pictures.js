"use strict";
/*
 * Pictures from files, from the clipboard, dropped, from samples and from the camera: RGBA of their own size.
 */
const pictures = (() => {
  const MOST = 2 ** 24; // pixels that every browser's canvas holds

  /** What a canvas of the source's size has; a larger one than that holds is made smaller by the browser first. */
  function drawn(source, width, height) {
    const share = Math.min(1, Math.sqrt(MOST / (width * height)));
    const size = [width, height].map((side) => Math.max(1, Math.floor(side * share)));
    const context = new OffscreenCanvas(...size).getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(source, 0, 0, ...size);
    const note = `The browser has first made it ${by(size)}: predict may say something a little different.`;
    return { rgba: context.getImageData(0, 0, ...size), notes: share < 1 ? [note] : [] };
  }

  /** The picture in a file; an Error that says so, if the browser cannot read it. */
  async function ofFile(file) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(file);
    } catch {
      throw new Error(`${file.name || "This"}: this browser cannot read it as a picture.`);
    }
    return drawn(bitmap, bitmap.width, bitmap.height);
  }

  const ofElement = (element) =>
    drawn(element, element.videoWidth || element.naturalWidth, element.videoHeight || element.naturalHeight);

  /** The first picture among what was dropped or pasted, as a file. */
  const among = (transfer) => [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/"));

  /** The camera: `frame(element)` is called for what it sees, about so many times a second. */
  class Camera {
    static RATE = 10;

    constructor(video, frame) {
      Object.assign(this, { video, frame, stream: null, timer: 0 });
    }

    /** Start it; an Error that says why it cannot be had. */
    async start() {
      if (!navigator.mediaDevices?.getUserMedia) {
        throw new Error(
          "This browser gives no camera to pages opened in this way, from a file or without https. "
          + "Choose a file that the camera's own program has taken, or serve the page from localhost or by https.",
        );
      }
      try {
        this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      } catch (error) {
        const reasons = {
          NotAllowedError:
            "The camera was not allowed: by you, by the browser's settings, or because the page is a file.",
          NotFoundError: "There is no camera here.",
          NotReadableError: "The camera is in use by another program.",
        };
        throw new Error(reasons[error.name] ?? `The camera cannot be had: ${error.message}`);
      }
      this.video.srcObject = this.stream;
      await this.video.play();
      this.timer = setInterval(() => this.frame(this.video), 1000 / Camera.RATE);
    }

    get runs() {
      return this.stream !== null;
    }

    stop() {
      clearInterval(this.timer);
      this.stream?.getTracks().forEach((track) => track.stop());
      this.stream = this.video.srcObject = null;
    }
  }

  return { ofFile, ofElement, among, Camera };
})();
