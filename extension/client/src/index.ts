/** `@edged/client`: speech, vision and language models of this device, for browser extensions. */
export { CODES, type Code } from "./codes";
export { Edged, type Answer, type EdgedOptions, type Part, type RequestOptions, type Status } from "./edged";
export { EdgedError } from "./errors";
export type { Followed, FollowOptions } from "./events";
export type { Ready } from "./link";
export * from "./messages";
export { HOST_NAME, VERSION } from "./names";
export { fingerprint, newNonce, type PairOptions } from "./pairing";
export { ownIdentity, type Connect, type Port } from "./port";
export type { AnyAnswer, Message, ReplyStream } from "./replies";
export type { UploadOptions } from "./uploads";
