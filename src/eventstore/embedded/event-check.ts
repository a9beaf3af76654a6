// The check sum that each event is stored with, and what is served in the place of an event that does not fit its own.
// Knows nothing of files.

import { crc32 } from "node:zlib";
import type { FileEvent } from "./event-file.ts";

/** What was stored, and cannot be read as it was. */
export type Damage =
  | {
      readonly event: "damaged";
      readonly position: number;
      readonly stream: string;
      readonly revision: number;
    }
  /** Of streams or ids; it was made again from the events. */
  | { readonly event: "damaged_index"; readonly problem: string }
  /** At least so many transactions, each of one flush, are lost from the journal's end; `kept_as` still has them. */
  | { readonly event: "damaged_journal"; readonly transactions: number; readonly kept_as: string };

/** Position, revision, time, whether it is JSON, id: written anew for each event. */
const fixed = Buffer.alloc(41);

/** CRC32 over everything that makes up the event, its stream's name included. */
export function checkSumOf(event: FileEvent): number {
  fixed.writeDoubleLE(event.position, 0);
  fixed.writeDoubleLE(event.revision, 8);
  fixed.writeDoubleLE(event.created, 16);
  fixed[24] = event.isJson ? 1 : 0;
  fixed.set(event.id, 25);
  // The lengths keep the parts apart: what is cut off one must not count for the next.
  const lengths = `${event.stream.length} ${event.type.length} ${event.data.length} ${event.id.length} `;
  const head = crc32(lengths + event.stream + event.type, crc32(fixed));
  return crc32(event.metadata, crc32(event.data, head));
}

/** Keeps the event's place in log and stream, so that no reader takes the log for whole, and none of its content. */
export const damagedEvent = (event: Pick<FileEvent, "position" | "revision" | "stream">): FileEvent => ({
  position: event.position,
  revision: event.revision,
  stream: event.stream,
  id: Buffer.alloc(16),
  type: "$damaged",
  isJson: true,
  created: 0,
  data: Buffer.from("{}"),
  metadata: Buffer.alloc(0),
});
