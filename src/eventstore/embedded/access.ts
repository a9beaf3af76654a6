// Who may call the embedded event store: whoever knows its password. Knows no storage.

import { createHash, timingSafeEqual } from "node:crypto";
import { type Metadata, type ServiceError, status, type UntypedHandleCall } from "@grpc/grpc-js";
import { failure } from "./wire.ts";

/** What every kind of call has in common here. */
interface Call {
  readonly metadata: Metadata;
  emit(event: "error", error: ServiceError): boolean;
}
type Handler = (call: Call, answer?: (error: ServiceError) => void) => void;

/**
 * The service with every call refused that lacks the password, as EventStoreDB refuses an unknown user. The password
 * comes as that of Basic, whatever the user, or as the connection's name: the client sends no credentials without TLS,
 * and the name is the one header that every client of EventStoreDB lets one choose.
 */
export function guarded(
  handlers: Readonly<Record<string, unknown>>,
  password: string,
): Record<string, UntypedHandleCall> {
  const expected = digest(password);
  const isKnown = (metadata: Metadata): boolean =>
    [...metadata.get("connection-name"), ...metadata.get("authorization").map(passwordOf)].some((given) =>
      timingSafeEqual(digest(given), expected),
    );
  const guard =
    (handle: Handler): Handler =>
    (call, answer) => {
      if (isKnown(call.metadata)) handle(call, answer);
      else if (answer === undefined) call.emit("error", denied());
      else answer(denied());
    };
  const entries = Object.entries(handlers).map(([name, handle]) => [name, guard(handle as Handler)]);
  return Object.fromEntries(entries) as Record<string, UntypedHandleCall>;
}

const digest = (text: string | Buffer): Buffer => createHash("sha256").update(text).digest();

function passwordOf(header: string | Buffer): string {
  const credentials = /^Basic (\S+)$/i.exec(String(header))?.[1] ?? "";
  const text = Buffer.from(credentials, "base64").toString();
  return text.slice(text.indexOf(":") + 1);
}

const denied = (): ServiceError =>
  failure(status.UNAUTHENTICATED, "Access Denied. Ask its owner for the address that holds the password.", {
    exception: "access-denied",
  });
