// Read as the client calls it: counted reads and subscriptions, of one stream or of the whole log. Writes nothing.

import type { ServerWritableStream } from "@grpc/grpc-js";
import { caughtUp, checkpointReached, confirmation, streamNotFound } from "./answers.ts";
import { eventReadBytes } from "./event-encoder.ts";
import type { EventFile, FileEvent, StoredStream } from "./event-file.ts";
import type { Wide } from "./protocol.ts";
import type { ReadOptions as Options, ReadReq } from "./read-request.ts";
import { streamName } from "./requests.ts";
import { readFilter, type SubscriptionFilter } from "./subscription-filter.ts";
import { invalidArgument, streamDeleted } from "./wire.ts";

type Call = ServerWritableStream<ReadReq, object>;

/** What the protocol's enum calls forwards. */
const forwardsDirection = 0;
/** 2^64 - 1 and whatever else is beyond every position. */
const beyondAll = Number.MAX_SAFE_INTEGER;

export interface StreamReader {
  readonly read: (call: Call) => void;
  /** Wakes the subscriptions that wait for something new. */
  readonly wake: () => void;
}

export function startReader(file: EventFile): StreamReader {
  const sleeping = new Set<() => void>();
  const somethingNew = (call: Call): Promise<void> =>
    new Promise((resolve) => {
      if (call.cancelled) return resolve();
      const done = (): void => {
        sleeping.delete(done);
        call.off("cancelled", done);
        resolve();
      };
      sleeping.add(done);
      call.once("cancelled", done);
    });

  const read = async (call: Call): Promise<void> => {
    const options = call.request.options;
    if (options === null) throw invalidArgument("The options are missing.");
    if (options.uuid_option === null) throw invalidArgument("The UUID option is missing.");
    const forwards = options.read_direction === forwardsDirection;
    if (options.subscription !== null) {
      if (!forwards) throw invalidArgument("The combination of subscription and backwards is invalid.");
      const { filter } = options;
      if (options.stream !== null) {
        if (filter !== null) throw invalidArgument("The combination of stream and filter is invalid.");
        return followStream(call, options);
      }
      return followAll(call, options, filter === null ? undefined : readFilter(filter));
    }
    return options.stream !== null ? readStream(call, options, forwards) : readAll(call, options, forwards);
  };

  const readStream = async (call: Call, options: Options, forwards: boolean): Promise<void> => {
    const message = eventMessages(options);
    const chosen = options.stream;
    const name = streamName(chosen?.stream_identifier ?? null);
    const stream = file.stream(name);
    if (stream?.tombstoned) throw streamDeleted(name);
    if (stream === undefined || stream.last < 0 || stream.truncateBefore === Number.POSITIVE_INFINITY) {
      await send(call, streamNotFound(name));
      return;
    }
    let left = toNumber(options.count);
    const oldest = firstVisible(stream);
    let from = chosen === null || chosen.start ? 0 : chosen.end ? stream.last : toNumber(chosen.revision);
    if (!forwards) from = Math.min(from, stream.last);
    while (left > 0) {
      const page = forwards
        ? file.ofStream(stream, {
            from: Math.max(from, oldest),
            to: stream.last,
            limit: left,
            direction: "forwards",
          })
        : file.ofStream(stream, { from: oldest, to: from, limit: left, direction: "backwards" });
      for (const event of page.events) {
        if (!isVisible(stream, event)) continue;
        if (!(await send(call, message(event)))) return;
        left--;
      }
      const last = page.events.at(-1);
      if (last === undefined || !page.more || call.cancelled) return;
      from = last.revision + (forwards ? 1 : -1);
      await othersTurn();
    }
  };

  const readAll = async (call: Call, options: Options, forwards: boolean): Promise<void> => {
    const message = eventMessages(options);
    const asked = options.filter;
    const filter = asked === null ? undefined : readFilter(asked);
    let left = toNumber(options.count);
    let at = startOfAll(options);
    while (left > 0) {
      const limit = filter === undefined ? left : undefined;
      const page = forwards ? file.forwards(at, limit) : file.backwards(at, limit);
      for (const event of page.events) {
        if (left === 0) return;
        if (filter !== undefined && !filter.matches(event)) continue;
        if (!(await send(call, message(event)))) return;
        left--;
      }
      const last = page.events.at(-1);
      if (last === undefined || !page.more || call.cancelled) return;
      at = forwards ? last.position + 1 : last.position;
      await othersTurn();
    }
  };

  const startOfAll = (options: Options): number => {
    const { all } = options;
    if (all?.end) return beyondAll;
    return all?.position ? toNumber(all.position.commit_position) : 0;
  };

  const followStream = async (call: Call, options: Options): Promise<void> => {
    const message = eventMessages(options);
    const chosen = options.stream;
    const name = streamName(chosen?.stream_identifier ?? null);
    let after = chosen?.end
      ? (file.stream(name)?.last ?? -1)
      : chosen?.revision_option === "revision"
        ? toNumber(chosen.revision)
        : -1;
    await send(call, confirmation());
    let live = false;
    while (!call.cancelled) {
      const stream = file.stream(name);
      if (stream?.tombstoned) throw streamDeleted(name);
      const page =
        stream === undefined
          ? undefined
          : file.ofStream(stream, {
              from: Math.max(after + 1, firstVisible(stream)),
              to: stream.last,
              direction: "forwards",
            });
      // What the stream's settings hide counts as looked at.
      const looked = stream?.last ?? -1;
      for (const event of page?.events ?? []) {
        if (stream !== undefined && isVisible(stream, event) && !(await send(call, message(event)))) {
          return;
        }
        after = event.revision;
      }
      if (page?.more) {
        await othersTurn();
        continue;
      }
      after = Math.max(after, looked);
      if (!live) {
        live = true;
        await send(call, caughtUp());
        continue;
      }
      // Nothing was awaited since the page was read, so nothing new can have been missed.
      if ((page?.events.length ?? 0) === 0) await somethingNew(call);
    }
  };

  /** Of the events under the prefix; none after the reader has gone. */
  async function* pagesUnder(
    call: Call,
    prefix: string,
    range: { readonly after: number; readonly upTo: number },
  ): AsyncGenerator<readonly FileEvent[]> {
    const pause = async (): Promise<boolean> => {
      await othersTurn();
      return !call.cancelled;
    };
    for await (const positions of file.underPrefix.rounds(prefix, range, pause)) {
      for (let next = 0; next < positions.length; ) {
        const events = file.atPositions(positions, next);
        yield events;
        next += events.length;
        if (!(await pause())) return;
      }
    }
  }

  const followAll = async (
    call: Call,
    options: Options,
    filter: SubscriptionFilter | undefined,
  ): Promise<void> => {
    const { all } = options;
    let after = all?.end ? file.head : all?.position ? toNumber(all.position.commit_position) : 0;
    await send(call, confirmation());
    const message = eventMessages(options);
    let live = false;
    let considered = 0;
    let lastCheckpoint = after;
    const checkpoint = async (): Promise<void> => {
      considered = 0;
      if (after <= lastCheckpoint) return;
      lastCheckpoint = after;
      await send(call, checkpointReached(after));
    };
    const show = async (events: readonly FileEvent[]): Promise<boolean> => {
      for (const event of events) {
        if ((filter === undefined || filter.matches(event)) && !(await send(call, message(event)))) {
          return false;
        }
        after = event.position;
        considered++;
        if (filter !== undefined && considered >= filter.checkpointEvery) await checkpoint();
      }
      return true;
    };
    // One beginning is taken to pick few streams of many. What several pick, as a projector does, is most of the log.
    if (filter?.streamPrefix !== undefined) {
      const upTo = file.head;
      for await (const events of pagesUnder(call, filter.streamPrefix, { after, upTo }))
        if (!(await show(events))) return;
      if (call.cancelled) return;
      after = upTo;
    }
    while (!call.cancelled) {
      const page = file.forwards(after + 1);
      if (!(await show(page.events))) return;
      if (page.more) {
        await othersTurn();
        continue;
      }
      if (!live) {
        live = true;
        if (filter !== undefined) await checkpoint();
        await send(call, caughtUp());
        continue;
      }
      // Nothing was awaited since the page was read, so nothing new can have been missed.
      if (page.events.length === 0) await somethingNew(call);
    }
  };

  return {
    read: (call) => {
      read(call).then(
        () => call.end(),
        (error: Error) => call.emit("error", error),
      );
    },
    wake: () => {
      for (const done of [...sleeping]) done();
    },
  };
}

/** Resolves when the reader may be sent more; false where it is gone. */
function send(call: Call, message: object): boolean | Promise<boolean> {
  if (call.cancelled || call.destroyed) return false;
  if (call.write(message)) return true;
  return new Promise((resolve) => {
    const done = (): void => {
      call.off("drain", done);
      call.off("cancelled", done);
      call.off("close", done);
      resolve(!call.cancelled);
    };
    call.on("drain", done);
    call.on("cancelled", done);
    call.on("close", done);
  });
}

/** A long walk lets appends and other readers in between its pages. */
const othersTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const firstVisible = (stream: StoredStream): number =>
  Math.max(stream.truncateBefore, stream.maxCount === undefined ? 0 : stream.last - stream.maxCount + 1);

const isVisible = (stream: StoredStream, event: FileEvent): boolean =>
  stream.maxAge === undefined || event.created >= (Date.now() - stream.maxAge * 1000) * 1000;

/** A uint64 as sent, kept within what a number holds exactly. */
const toNumber = (value: Wide): number => Math.min(value.toNumber(), beyondAll);

/** Ids are told in the form that the reader asked for. */
function eventMessages(options: Options): (event: FileEvent) => Buffer {
  const idForm = options.uuid_option?.structured ? "structured" : "text";
  return (event) => eventReadBytes(event, idForm);
}
