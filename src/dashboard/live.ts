// News from the service: one stream of events for all tabs of a browser, handed on to whoever shows what has changed.
// Reconnects by itself and says while it is away.

import { signal } from "@preact/signals";
import type { ChangeItem, ChangesMessage } from "../answers/stream.ts";

type Connection = "connecting" | "live" | "away";
type Listener = (message: ChangesMessage) => void;

export const connection = signal<Connection>("connecting");
const listeners = new Set<Listener>();
/** After an answer that no event source gets over by itself. */
const againAfterMs = 1_500;

/** Calls `listener` with what changes, until the answer is called. */
export function onChanges(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const isAbout = (message: ChangesMessage, about: ChangeItem["about"]): boolean =>
  message.missed || message.changes.some((change) => change.about === about);

interface Told {
  readonly message?: ChangesMessage;
  readonly connection: Connection;
}

/** Until the answer is called. The first tab holds the stream and tells the others; when it closes, another takes over. */
export function follow(project: string): () => void {
  const channel = new BroadcastChannel(`incident-ledger:${project}`);
  const over = new AbortController();
  const take = ({ message, connection: state }: Told): void => {
    connection.value = state;
    if (message !== undefined) for (const listener of listeners) listener(message);
  };
  channel.onmessage = (event: MessageEvent<Told | "who is live?">) => {
    if (event.data !== "who is live?") take(event.data);
  };
  const tell = (told: Told): void => {
    take(told);
    channel.postMessage(told);
  };
  const lead = (): Promise<void> =>
    new Promise((resolve) => {
      const close = keepStream(project, tell);
      channel.onmessage = (event: MessageEvent<Told | "who is live?">) => {
        if (event.data === "who is live?") channel.postMessage({ connection: connection.value });
      };
      over.signal.addEventListener("abort", () => {
        close();
        resolve();
      });
    });
  channel.postMessage("who is live?");
  // Locks are there for trustworthy hosts alone: elsewhere each tab has a stream of its own.
  if (navigator.locks === undefined) void lead();
  else
    navigator.locks
      .request(`incident-ledger:${project}`, { signal: over.signal }, () =>
        over.signal.aborted ? undefined : lead(),
      )
      .catch(() => {});
  return () => {
    over.abort();
    channel.close();
  };
}

function keepStream(project: string, tell: (told: Told) => void): () => void {
  let source: EventSource | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let last = "";
  let isOver = false;
  const open = (): void => {
    const after = last === "" ? "" : `?after=${last}`;
    source = new EventSource(`/api/projects/${encodeURIComponent(project)}/stream${after}`);
    source.onmessage = (event: MessageEvent<string>) => {
      last = event.lastEventId;
      tell({ message: JSON.parse(event.data) as ChangesMessage, connection: "live" });
    };
    source.onerror = () => {
      tell({ connection: "away" });
      if (source?.readyState !== EventSource.CLOSED || isOver) return;
      clearTimeout(again);
      again = setTimeout(open, againAfterMs);
    };
  };
  open();
  return () => {
    isOver = true;
    clearTimeout(again);
    source?.close();
  };
}
