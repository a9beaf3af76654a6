// Asks the service's API with the session's cookie. No key is ever in here.

export type Asked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

export interface Problem {
  /** 0: there was no answer. */
  readonly status: number;
  readonly error: string;
  readonly details: string;
}

let whenSignedOut = (): void => {};

/** Called with every answer that says that the session is over. */
export function onSignedOut(call: () => void): void {
  whenSignedOut = call;
}

export async function ask<T>(
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  options: { readonly body?: unknown; readonly signal?: AbortSignal } = {},
): Promise<Asked<T>> {
  try {
    const answer = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: method === "GET" ? {} : { "Content-Type": "application/json" },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const value = (await answer.json()) as T & Partial<Problem>;
    if (answer.ok) return { ok: true, value };
    if (answer.status === 401 && path !== "/api/session") whenSignedOut();
    const { error = "The service cannot answer", details = "" } = value;
    return { ok: false, problem: { status: answer.status, error, details } };
  } catch {
    return {
      ok: false,
      problem: { status: 0, error: "The service cannot be reached", details: "It is asked again by itself." },
    };
  }
}
