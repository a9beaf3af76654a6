// One stream of server-sent events: changes gathered for a moment go out as one message, a comment keeps the connection
// alive, and a reader that does not read is cut off. Knows no route.

import type { ChangesMessage } from "../answers/stream.ts";
import type { ProjectChange, ProjectChanges } from "./ports.ts";

const gatherMs = 250;
/** More often than a connection may be idle. */
const aliveEveryMs = 10_000;
/** Bytes that a reader may leave unread; once cut off, it comes again and loads its page anew. */
const mostUnreadBytes = 262_144;
/** Where more has changed at once, naming each is worth nothing. */
const mostNamed = 200;

export interface EventStreamOptions {
  readonly follow: (
    take: (changes: readonly ProjectChange[]) => void,
  ) => ReturnType<ProjectChanges["follow"]>;
  /** Asked each time that the connection is kept alive: the stream ends with the key. */
  readonly isStillAllowed: () => boolean;
  /** Called once, with whatever ends it. */
  readonly ended: () => void;
}

export class EventStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: EventStreamOptions;
  readonly #alive: ReturnType<typeof setInterval>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  /** By incident, or by what else it is about. */
  #gathered = new Map<string, ProjectChange>();
  #latest = 0n;
  #missed = false;
  #unfollow: (() => void) | undefined;
  #isOver = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#alive = setInterval(() => this.#keepAlive(), aliveEveryMs);
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          void this.#begin();
        },
        cancel: () => this.#end(),
      },
      { highWaterMark: mostUnreadBytes, size: (chunk) => chunk?.byteLength ?? 0 },
    );
  }

  close(): void {
    if (!this.#isOver) this.#controller?.close();
    this.#end();
  }

  async #begin(): Promise<void> {
    const watch = await this.#options.follow((changes) => this.#gather(changes));
    this.#unfollow = watch.end;
    if (this.#isOver) watch.end();
    if (watch.position > this.#latest) this.#latest = watch.position;
    this.#missed ||= watch.missed;
    this.#send(`retry: 1000\n${this.#message()}`);
  }

  #gather(changes: readonly ProjectChange[]): void {
    for (const change of changes) {
      this.#gathered.set(JSON.stringify([change.about, change.incident]), change);
      if (change.position > this.#latest) this.#latest = change.position;
      if (this.#gathered.size <= mostNamed) continue;
      this.#gathered.clear();
      this.#missed = true;
    }
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#send(this.#message());
    }, gatherMs);
  }

  /** Takes the gathered changes out, as one event. */
  #message(): string {
    const message: ChangesMessage = {
      missed: this.#missed,
      changes: [...this.#gathered.values()].map(({ about, incident, position }) => ({
        about,
        incident,
        position: String(position),
      })),
    };
    this.#gathered = new Map();
    this.#missed = false;
    return `id: ${this.#latest}\ndata: ${JSON.stringify(message)}\n\n`;
  }

  #keepAlive(): void {
    if (this.#options.isStillAllowed()) this.#send(":\n\n");
    else this.close();
  }

  #send(text: string): void {
    const controller = this.#controller;
    if (this.#isOver || controller === undefined) return;
    controller.enqueue(new TextEncoder().encode(text));
    if ((controller.desiredSize ?? 0) > 0) return;
    controller.error(new Error("It was not read for too long."));
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#gathering);
    clearInterval(this.#alive);
    this.#unfollow?.();
    this.#options.ended();
  }
}
