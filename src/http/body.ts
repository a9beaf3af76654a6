// Reads a request's body, at most so many bytes of it, as they came and as they are once decompressed. Never parses.

import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw } from "node:zlib";

/**
 * The bytes, decompressed as Content-Encoding says, or `too_large` as soon as that is certain, or `aborted` where the
 * sender went away. What cannot be decompressed stays as it came: it may be kept, and some senders only say so.
 */
export async function readBody(
  request: Request,
  maxBytes: number,
): Promise<Uint8Array | "too_large" | "aborted"> {
  const body = await readBytes(request, maxBytes);
  const encoding = request.headers.get("content-encoding");
  return encoding === null || typeof body === "string" ? body : decompressed(body, encoding, maxBytes);
}

type Decompress = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Promise<Uint8Array>;

const raw: Decompress = promisify(inflateRaw);
const ways: ReadonlyMap<string, readonly Decompress[]> = new Map([
  ["gzip", [promisify(gunzip)]],
  ["x-gzip", [promisify(gunzip)]],
  // Some senders call it deflate and leave its envelope out.
  ["deflate", [promisify(inflate), raw]],
  ["br", [promisify(brotliDecompress)]],
]);

/** More encodings, one around the other, than any sender uses. */
const mostEncodings = 3;

async function decompressed(
  bytes: Uint8Array,
  encoding: string,
  maxBytes: number,
): Promise<Uint8Array | "too_large"> {
  const names = encoding.toLowerCase().split(",", mostEncodings + 1);
  if (names.length > mostEncodings) return bytes;
  let body = bytes;
  for (const name of names.reverse()) {
    const decompresses = ways.get(name.trim());
    if (decompresses === undefined && name.trim() !== "identity") return bytes;
    for (const [index, decompress] of (decompresses ?? []).entries()) {
      try {
        body = await decompress(body, { maxOutputLength: maxBytes });
        break;
      } catch (error) {
        if (isTooLarge(error)) return "too_large";
        if (index === (decompresses?.length ?? 0) - 1) return bytes;
      }
    }
  }
  return body;
}

const isTooLarge = (error: unknown): boolean =>
  error instanceof RangeError || (error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array | "too_large" | "aborted"> {
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
