// The records that have been read from the spool, in a line for each stream, and whose turn it is: project by project,
// and within a project stream by stream. Knows nothing of the event store.

import { projectOfStream } from "../domain/stored-events.ts";
import type { KnownStream, Sending } from "./look-back.ts";

export interface Line extends KnownStream {
  readonly stream: string;
  /** In the order in which they were spooled. */
  records: Sending[];
  /** Events go one by one where the event store refused several together. */
  mode: "together" | "one_by_one";
  /** How often others came in between. */
  conflicts: number;
}

export interface Lines {
  readonly add: (sending: Sending) => void;
  /** The next line that nobody serves; it is served until it is given back. */
  readonly next: () => Line | undefined;
  /** Ends the serving of a line; these of its records have left it. */
  readonly giveBack: (line: Line, left: readonly Sending[]) => void;
  readonly records: () => number;
  readonly bytes: () => number;
}

export function createLines(): Lines {
  const lines = new Map<string, Line>();
  const served = new Set<Line>();
  /** Lines that may be served, by project; both in the order of their turns. */
  const ready = new Map<string, Set<Line>>();
  let records = 0;
  let bytes = 0;

  const makeReady = (line: Line): void => {
    const project = projectOfStream(line.stream);
    const others = ready.get(project);
    if (others === undefined) ready.set(project, new Set([line]));
    else others.add(line);
  };

  return {
    add: (sending) => {
      const { stream } = sending.spooled.record;
      let line = lines.get(stream);
      if (line === undefined) {
        line = {
          stream,
          records: [],
          mode: "together",
          lookedFrom: undefined,
          last: undefined,
          conflicts: 0,
        };
        lines.set(stream, line);
      }
      line.records.push(sending);
      records += 1;
      bytes += sending.spooled.bytes;
      if (!served.has(line)) makeReady(line);
    },
    next: () => {
      for (const [project, waiting] of ready) {
        ready.delete(project);
        const [line] = waiting;
        if (line === undefined) continue;
        waiting.delete(line);
        if (waiting.size > 0) ready.set(project, waiting);
        served.add(line);
        return line;
      }
      return undefined;
    },
    giveBack: (line, left) => {
      served.delete(line);
      for (const sending of left) {
        records -= 1;
        bytes -= sending.spooled.bytes;
      }
      const gone = new Set(left);
      line.records = line.records.filter((sending) => !gone.has(sending));
      if (line.records.length > 0) makeReady(line);
      else lines.delete(line.stream);
    },
    records: () => records,
    bytes: () => bytes,
  };
}
