// Reads replays, which are as long as an incident's life: line by line, and no further than is needed.

interface ReplayedEvent {
  readonly event_id: string;
  readonly data: { readonly payload?: string };
}

/** Undefined where it is not there, or the store cannot be read now. */
export async function findEvent(
  path: string,
  eventId: string,
  signal: AbortSignal,
): Promise<ReplayedEvent | undefined> {
  try {
    const answer = await fetch(path, { credentials: "same-origin", signal });
    if (!answer.ok || answer.body === null) return undefined;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + (value ?? "")).split("\n");
      rest = lines.pop() ?? "";
      const found = lines
        .filter((line) => line.includes(eventId))
        .map((line) => JSON.parse(line) as ReplayedEvent)
        .find((event) => event.event_id === eventId);
      if (found !== undefined) {
        await reader.cancel();
        return found;
      }
      if (done) return undefined;
    }
  } catch {
    return undefined;
  }
}
