// Reads a request's body, at most so many bytes of it. Never parses.

/** The bytes, or `too_large` as soon as that is certain, or `aborted` where the sender went away. */
export async function readBody(
  request: Request,
  maxBytes: number,
): Promise<Uint8Array | "too_large" | "aborted"> {
  const announced = request.headers.get("content-length");
  if (announced !== null) {
    if (Number(announced) > maxBytes) return "too_large";
    try {
      const body = new Uint8Array(await request.arrayBuffer());
      return body.length > maxBytes ? "too_large" : body;
    } catch {
      return "aborted";
    }
  }
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return Buffer.concat(chunks);
      size += value.length;
      if (size > maxBytes) {
        await reader.cancel();
        return "too_large";
      }
      chunks.push(value);
    }
  } catch {
    return "aborted";
  }
}
