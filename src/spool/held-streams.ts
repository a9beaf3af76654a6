// Which streams still have records on the spool, in bounded memory. Knows no files and no event store.

export interface HeldStreams {
  /** A record of the stream has been spooled; sequences rise. */
  readonly added: (stream: string, sequence: bigint) => void;
  /** Everything up to this sequence has left the spool. */
  readonly drained: (upTo: bigint) => void;
  /** Whether a record of the stream may wait. May say so where none does, never the other way round. */
  readonly holds: (stream: string) => boolean;
}

/** Streams remembered one by one; of what is older any stream may be the one. */
const mostRemembered = 100_000;

/** `from`, exclusive, to `to`: records that were there before, of streams that nobody remembers. */
export function createHeldStreams(
  before: { readonly from: bigint; readonly to: bigint },
  most = mostRemembered,
): HeldStreams {
  /** Each stream's last record, in the order of their sequences. */
  const last = new Map<string, bigint>();
  let drainedUpTo = before.from;
  let anyUpTo = before.to;
  return {
    added: (stream, sequence) => {
      last.delete(stream);
      last.set(stream, sequence);
      const [oldest] = last.size > most ? last : [];
      if (oldest === undefined) return;
      anyUpTo = oldest[1];
      last.delete(oldest[0]);
    },
    drained: (upTo) => {
      drainedUpTo = upTo;
      for (const [stream, sequence] of last) {
        if (sequence > upTo) break;
        last.delete(stream);
      }
    },
    holds: (stream) => anyUpTo > drainedUpTo || last.has(stream),
  };
}
