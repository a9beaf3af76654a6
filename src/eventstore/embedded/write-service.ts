// Append, Delete and Tombstone as the client calls them. Knows the protocol and the writer, no storage.

import { type ServerReadableStream, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import { notAppended, removed, stored } from "./answers.ts";
import type { Expected } from "./append-rules.ts";
import { batchAppend } from "./batch-append.ts";
import { CollectedAppend, maxAppendBytes } from "./collected-append.ts";
import type { Writer, Written } from "./group-commit.ts";
import { readingPace } from "./reading-pace.ts";
import { type AppendReq, type RemoveReq, readProposed, readTarget, type Target } from "./requests.ts";
import {
  asciiTrailer,
  busy,
  failure,
  invalidArgument,
  late,
  missingProperty,
  streamDeleted,
  tooLarge,
} from "./wire.ts";

type BatchCall = Parameters<typeof batchAppend>[1];
type AppendCall = ServerReadableStream<AppendReq, object>;
type RemoveCall = ServerUnaryCall<RemoveReq, object>;
type Answer = sendUnaryData<object>;

export function writeService(writer: Writer) {
  return {
    append: (call: AppendCall, answer: Answer): void => append(writer, call, answer),
    batchAppend: (call: BatchCall): void => batchAppend(writer, call),
    delete: (call: RemoveCall, answer: Answer): void => remove(writer, "delete", call, answer),
    tombstone: (call: RemoveCall, answer: Answer): void => remove(writer, "tombstone", call, answer),
  };
}

function append(writer: Writer, call: AppendCall, answer: Answer): void {
  const waitFor = readingPace(call);
  const collected = new CollectedAppend();
  const deadlineMs = Number(call.getDeadline());
  let target: Target | undefined;
  let answered = false;
  const refuse = (error: Error): void => {
    answered = true;
    answer(error);
  };
  call.on("data", ({ options, proposed_message }: AppendReq) => {
    if (answered) return;
    waitFor(writer.room());
    if (deadlineMs <= Date.now()) return refuse(late());
    if (options !== null) {
      target = readTarget(options);
      return;
    }
    const event = proposed_message === null ? undefined : readProposed(proposed_message);
    const outcome = collected.add(event);
    if (outcome === "missing_property") refuse(missingProperty());
    else if (outcome === "too_large") refuse(tooLarge(maxAppendBytes));
  });
  call.on("error", () => {
    answered = true;
  });
  call.on("end", () => {
    if (answered) return;
    if (target === undefined) return refuse(invalidArgument("The first message must hold the options."));
    const { stream, expected } = target;
    void writer
      .write({ tag: "append", stream, expected, events: collected.events, deadlineMs, looksFor: "first_id" })
      .then((written) => {
        if (written.tag === "written") answer(null, stored(written));
        else if (written.tag === "wrong_version") answer(null, notAppended(written.actual, expected));
        else answer(failureOf(written, stream));
      });
  });
}

function remove(writer: Writer, tag: "delete" | "tombstone", call: RemoveCall, answer: Answer): void {
  const { options } = call.request;
  if (options === null) {
    answer(invalidArgument("The options are missing."));
    return;
  }
  const { stream, expected } = readTarget(options);
  void writer.write({ tag, stream, expected }).then((written) => {
    if (written.tag === "written") answer(null, removed(written));
    else if (written.tag !== "wrong_version") answer(failureOf(written, stream));
    else {
      answer(
        failure(status.FAILED_PRECONDITION, `${tag} failed due to a wrong expected version.`, {
          exception: "wrong-expected-version",
          "stream-name": asciiTrailer(stream),
          "expected-version": String(expectedNumber(expected)),
          "actual-version": String(written.actual ?? -1),
        }),
      );
    }
  });
}

function failureOf(written: Exclude<Written, { tag: "written" | "wrong_version" }>, stream: string): Error {
  switch (written.tag) {
    case "deleted":
      return streamDeleted(stream);
    case "late":
      return late();
    case "busy":
      return busy();
    default:
      return written satisfies never;
  }
}

const expectedNumber = (expected: Expected): number =>
  expected === "any" ? -2 : expected === "no_stream" ? -1 : expected === "stream_exists" ? -4 : expected;
