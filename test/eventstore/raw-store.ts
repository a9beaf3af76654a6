// The embedded store's streams service called without EventStoreDB's client, for what that client never sends.

import { type Client, credentials, makeGenericClientConstructor, type ServiceError } from "@grpc/grpc-js";
import { services } from "../../src/eventstore/embedded/protocol.ts";

interface Duplex {
  write(message: object): boolean;
  end(): void;
  cancel(): void;
  on(event: "data", listener: (message: BatchAnswer) => void): Duplex;
  on(event: "error", listener: (error: ServiceError) => void): Duplex;
}
interface BatchAnswer {
  readonly error?: { readonly code: number; readonly details: { readonly type_url: string } } | null;
  readonly success?: object | null;
}
type RawClient = Client & { batchAppend(): Duplex };

export function rawClient(port: number): RawClient {
  const Raw = makeGenericClientConstructor(services.streams, "streams");
  return new Raw(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.max_send_message_length": -1,
  }) as unknown as RawClient;
}

export interface RawAppend {
  readonly stream: string;
  readonly bytes?: number;
  /** Present: the event has no type. */
  readonly type?: undefined;
  readonly options?: object;
}

let ids = 0;
const nextId = () => ({ string: `00000000-0000-4000-8000-${String(ids++).padStart(12, "0")}` });

export const rawAppend = ({ stream, bytes = 10, options = {}, ...event }: RawAppend): object => ({
  correlation_id: nextId(),
  options: { stream_identifier: { stream_name: Buffer.from(stream) }, any: {}, ...options },
  proposed_messages: [
    {
      id: nextId(),
      metadata: {
        ...("type" in event ? {} : { type: "Raw" }),
        "content-type": "application/octet-stream",
      },
      data: Buffer.alloc(bytes, 7),
    },
  ],
  is_final: true,
});

/** "stored", the name of the failure's detail, or the code with which the call ended. */
export function answerOf(client: RawClient, append: RawAppend): Promise<string | number> {
  const call = client.batchAppend();
  return new Promise((resolve) => {
    call.on("error", ({ code }) => resolve(code));
    call.on("data", ({ error }) => {
      resolve(error == null ? "stored" : (error.details.type_url.split(".").at(-1) ?? ""));
      call.end();
    });
    call.write(rawAppend(append));
  });
}
