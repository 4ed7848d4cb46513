/** The camera of this browser: its picture in a video element, and single frames of it as JPEG. */
import { refused } from "../sound/source";

export interface Lens {
  readonly video: HTMLVideoElement;
  /** How the browser calls the camera. */
  readonly name: string;
  readonly deviceId: string;
  /** The newest frame as a JPEG file, at most `FRAME_WIDTH` wide. */
  frame(): Promise<ArrayBuffer>;
  /** Call something at each new frame, until `close`. */
  onFrame(tell: () => void): void;
  /** The light of the camera goes out. */
  close(): void;
}

/** Pixels. The models look at 256 or less of what they have found. */
const FRAME_WIDTH = 640;
/** Of JPEG's own scale, 0 to 1. */
const QUALITY = 0.85;

/** Opens a camera into a video element. onEnded: it was unplugged. Throws EdgedError. */
export async function openLens(
  video: HTMLVideoElement,
  deviceId: string,
  onEnded: () => void,
): Promise<Lens> {
  const stream = await opened(deviceId);
  video.srcObject = stream;
  video.muted = true;
  await video.play();
  const [track] = stream.getVideoTracks();
  track?.addEventListener("ended", onEnded, { once: true });
  const film = new Film(video);
  return {
    video,
    name: track?.label ?? "",
    deviceId: track?.getSettings().deviceId ?? "",
    frame: () => film.frame(),
    onFrame: (tell) => film.watch(tell),
    close: () => {
      film.close();
      for (const each of stream.getTracks()) each.stop();
      video.srcObject = null;
    },
  };
}

async function opened(deviceId: string): Promise<MediaStream> {
  const device = deviceId === "" ? {} : { deviceId: { exact: deviceId } };
  const video = { ...device, width: { ideal: 1280 }, height: { ideal: 720 } };
  try {
    return await navigator.mediaDevices.getUserMedia({ video });
  } catch (error) {
    if (deviceId !== "" && error instanceof DOMException && error.name === "OverconstrainedError")
      return opened("");
    throw refused(error, "camera");
  }
}

/** The cameras that there are, by id; their names are known once one was allowed. */
export async function cameras(): Promise<(readonly [id: string, name: string])[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind }) => kind === "videoinput").map(({ deviceId, label }) => [deviceId, label]);
}

class Film {
  readonly #video: HTMLVideoElement;
  readonly #canvas = new OffscreenCanvas(1, 1);
  readonly #context: OffscreenCanvasRenderingContext2D | null;
  #open = true;

  constructor(video: HTMLVideoElement) {
    this.#video = video;
    this.#context = this.#canvas.getContext("2d", { alpha: false });
  }

  async frame(): Promise<ArrayBuffer> {
    const { videoWidth, videoHeight } = this.#video;
    const scale = Math.min(1, FRAME_WIDTH / Math.max(1, videoWidth));
    this.#canvas.width = Math.max(1, Math.round(videoWidth * scale));
    this.#canvas.height = Math.max(1, Math.round(videoHeight * scale));
    this.#context?.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    const blob = await this.#canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    return blob.arrayBuffer();
  }

  watch(tell: () => void): void {
    this.#video.requestVideoFrameCallback(() => {
      if (!this.#open) return;
      tell();
      this.watch(tell);
    });
  }

  close(): void {
    this.#open = false;
  }
}
