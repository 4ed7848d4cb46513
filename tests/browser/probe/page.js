// Hands the library and a bare port to whoever drives this page.
import * as library from "./client.js";
import { Raw } from "./raw.js";

Object.assign(globalThis, { library, Raw, ready: true });
