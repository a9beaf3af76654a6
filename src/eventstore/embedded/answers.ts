// What the server answers, as the protocol's messages. Knows no storage.

import { randomUUID } from "node:crypto";
import type { Expected } from "./append-rules.ts";
import { maxAppendBytes } from "./collected-append.ts";
import type { Written } from "./group-commit.ts";
import { encoded } from "./protocol.ts";
import type { StreamIdentifierMessage, UuidMessage } from "./requests.ts";

/** Ids are told in the form that the reader asks for. */
export type IdForm = "structured" | "text";

const present = {};
export const streamIdentifier = (name: string): StreamIdentifierMessage => ({
  stream_name: Buffer.from(name),
});

const both = (position: number) => ({ commit_position: position, prepare_position: position });

export const confirmation = (): object => ({ confirmation: { subscription_id: randomUUID() } });
export const caughtUp = (): object => ({ caught_up: present });
export const checkpointReached = (position: number): object => ({ checkpoint: both(position) });
export const streamNotFound = (name: string): object => ({
  stream_not_found: { stream_identifier: streamIdentifier(name) },
});

type Stored = Extract<Written, { tag: "written" }>;

/** Of Append and of BatchAppend. */
export const stored = ({ last, position }: Stored): object => ({
  success: {
    ...(last === undefined ? { no_stream: present } : { current_revision: last }),
    position: both(position),
  },
});

/** Of Delete and of Tombstone. */
export const removed = ({ position }: Stored): object => ({ position: both(position) });

/** Append's answer, which is no failure of the call. */
export const notAppended = (actual: number | undefined, expected: Expected): object => ({
  wrong_expected_version: {
    ...(actual === undefined ? { current_no_stream: present } : { current_revision: actual }),
    ...(typeof expected === "number"
      ? { expected_revision: expected }
      : { [`expected_${expected}`]: present }),
  },
});

/** BatchAppend answers each append in its turn, whatever came of it. */
export const batchAnswer = (
  append: { readonly correlation: UuidMessage | null; readonly stream: string },
  result: object,
): object => ({
  correlation_id: append.correlation,
  stream_identifier: streamIdentifier(append.stream),
  ...result,
});

export type BatchFailure =
  | Exclude<Written, { tag: "written" }>
  | { readonly tag: "too_large" | "missing_property" };

export function batchFailure(
  failure: BatchFailure,
  append: { readonly stream: string; readonly expected: Expected },
): object {
  switch (failure.tag) {
    case "late":
      return problem(4, "Timeout", "Timeout", present);
    case "missing_property": {
      const message = "type and content-type are required";
      return problem(3, message, "BadRequest", { message });
    }
    case "too_large":
      return problem(3, "Maximum Append Size Exceeded", "MaximumAppendSizeExceeded", {
        max_append_size: maxAppendBytes,
      });
    case "wrong_version":
      return problem(6, "WrongExpectedVersion", "WrongExpectedVersion", {
        ...(failure.actual === undefined
          ? { current_no_stream: present }
          : { current_stream_revision: failure.actual }),
        ...(typeof append.expected === "number"
          ? { expected_stream_position: append.expected }
          : { [`expected_${append.expected}`]: present }),
      });
    case "deleted":
      return problem(5, "StreamDeleted", "StreamDeleted", {
        stream_identifier: streamIdentifier(append.stream),
      });
    case "busy":
      // The original packs "not handled" as Empty; clients know it by the message alone.
      return problem(14, "Server Is Too Busy", "Empty", present);
    default:
      return failure satisfies never;
  }
}

/** `code`: gRPC's. The client turns the detail's type into the class of its error. */
function problem(code: number, message: string, detail: string, value: object): object {
  const type = detail === "Empty" ? "google.protobuf.Empty" : `event_store.client.${detail}`;
  const details = { type_url: `type.googleapis.com/${type}`, value: encoded(type, value) };
  return { error: { code, message, details } };
}
