// How failures look on the wire: a gRPC status, a sentence, and trailers that the client turns into an error class.

import type { ServiceError } from "@grpc/grpc-js";
import { Metadata, status } from "@grpc/grpc-js";

export function failure(
  code: status,
  details: string,
  trailers: Readonly<Record<string, string>> = {},
): ServiceError {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

/** Trailers are ASCII: whatever is not is percent-encoded. */
export const asciiTrailer = (text: string): string =>
  text.replace(/[^\x20-\x7e]+/g, (run) => encodeURIComponent(run.toWellFormed()));

export const invalidArgument = (details: string): ServiceError => failure(status.INVALID_ARGUMENT, details);

export const streamDeleted = (stream: string): ServiceError =>
  failure(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: "stream-deleted",
    "stream-name": asciiTrailer(stream),
  });

export const tooLarge = (most: number): ServiceError =>
  failure(status.INVALID_ARGUMENT, `Maximum Append Size of ${most} Exceeded.`, {
    exception: "maximum-append-size-exceeded",
    "maximum-append-size": String(most),
  });

export const missingProperty = (): ServiceError =>
  failure(status.INVALID_ARGUMENT, "Required metadata property missing: type, content-type", {
    exception: "missing-required-metadata-property",
    "required-metadata-properties": "type,content-type",
  });

export const late = (): ServiceError => failure(status.DEADLINE_EXCEEDED, "Deadline Exceeded");
export const busy = (): ServiceError => failure(status.UNAVAILABLE, "Server Is Too Busy");
