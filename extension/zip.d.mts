/** A zip file of `{name, bytes}`, in the order given. */
export function zip(files: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Buffer;
