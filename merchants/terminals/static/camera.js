// Reading a QR with the camera: the browser's own detector where it has one, else ours.

const BETWEEN_LOOKS_MILLISECONDS = 120;

/** The camera isn't there, or isn't allowed. */
export class NoCamera extends Error {
  constructor(allowed) {
    super(allowed ? "missing" : "refused");
    this.allowed = allowed;
  }
}

async function makeDetector(ours, wasm) {
  const native = globalThis.BarcodeDetector;
  if (native && (await native.getSupportedFormats().catch(() => [])).includes("qr_code")) {
    return new native({ formats: ["qr_code"] });
  }
  const { BarcodeDetector, prepareZXingModule } = await import(ours);
  // Our own copy: by itself the library would fetch it from another site.
  prepareZXingModule({ overrides: { locateFile: (file) => new URL(file, wasm).href } });
  return new BarcodeDetector({ formats: ["qr_code"] });
}

export class Camera {
  #video;
  #detector = null;
  #stream = null;
  #look = 0;

  /** @param ours address of the detector's module. @param wasm absolute address of its folder. */
  constructor(video, ours, wasm) {
    this.#video = video;
    this.prepare = () => (this.#detector ??= makeDetector(ours, wasm));
  }

  /**
   * Looks until it reads a code that `accepts` takes.
   * @returns its text, or null when `stop` was called first. Throws `NoCamera`.
   */
  async read(accepts) {
    const look = ++this.#look;
    try {
      const stream = await this.#start();
      if (look !== this.#look) return stopStream(stream);
      this.#stream = stream;
      this.#video.srcObject = stream;
      await this.#video.play();
      const detector = await this.prepare();
      while (look === this.#look) {
        const found = await detector.detect(this.#video).catch(() => []);
        const code = found.map((each) => each.rawValue).find(accepts);
        if (code !== undefined && look === this.#look) return code;
        await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MILLISECONDS));
      }
      return null;
    } finally {
      if (look === this.#look) this.stop();
    }
  }

  stop() {
    this.#look += 1;
    if (this.#stream) stopStream(this.#stream);
    this.#stream = null;
    this.#video.srcObject = null;
  }

  async #start() {
    if (!navigator.mediaDevices?.getUserMedia) throw new NoCamera(true);
    try {
      return await navigator.mediaDevices.getUserMedia({
        audio: false, video: { facingMode: "environment", width: { ideal: 1280 } },
      });
    } catch (failure) {
      throw new NoCamera(failure.name !== "NotAllowedError");
    }
  }
}

function stopStream(stream) {
  for (const track of stream.getTracks()) track.stop();
  return null;
}
