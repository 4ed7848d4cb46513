// Hands the library and a bare port to whoever drives this page.
import * as library from "./client.js";
import { Raw } from "./raw.js";
import * as sizes from "./sizes.js";
import * as timing from "./timing.js";

Object.assign(globalThis, { library, Raw, sizes, timing, ready: true });
