// An event log in memory that keeps the port's promises, for tests of intake: same ids are stored once, streams are
// read in order, and it can be told to refuse.

import type { NewEvent, RecordedEvent } from "../../src/domain/stored-events.ts";
import type { AppendEvents, ReadStream } from "../../src/intake/event-log.ts";

export function memoryLog() {
  const events: RecordedEvent[] = [];
  let refusal: string | undefined;
  const inStream = (stream: string) => events.filter((event) => event.stream === stream);
  const append: AppendEvents = async (stream, proposed: readonly NewEvent[]) => {
    if (refusal !== undefined) return { tag: "unavailable", reason: refusal };
    for (const event of proposed) {
      if (events.some(({ id }) => id === event.id)) continue;
      events.push({
        ...event,
        stream,
        revision: BigInt(inStream(stream).length),
        position: BigInt(events.length * 100),
        recorded_at: new Date(0),
      });
    }
    const last = inStream(stream).at(-1);
    return last === undefined
      ? { tag: "conflict" }
      : { tag: "appended", revision: last.revision, position: last.position };
  };
  const readStream: ReadStream = async function* (stream, options = {}) {
    for (const event of inStream(stream)) if (event.revision >= (options.fromRevision ?? 0n)) yield event;
  };
  return {
    events,
    append,
    readStream,
    ofType: (type: string) => events.filter((event) => event.type === type),
    refuse: (reason: string | undefined) => {
      refusal = reason;
    },
  };
}
