// Holds a client back by not reading its call: gRPC stops granting it room to send, so it waits instead of being refused.

interface Call {
  pause(): unknown;
  resume(): unknown;
}

/** The call is not read for as long as one of the given promises, none of which rejects, is pending. */
export function readingPace(call: Call): (until: Promise<void> | undefined) => void {
  let pending = 0;
  return (until) => {
    if (until === undefined) return;
    pending++;
    call.pause();
    void until.then(() => {
      pending--;
      if (pending === 0) call.resume();
    });
  };
}
