// The id that names a request in its log line, its events and its answer.

const sane = /^[A-Za-z0-9._-]{1,64}$/;
const ids = new WeakMap<Request, string>();

/** The sender's X-Request-Id where it is short and harmless, else a new one; the same on every call. */
export function requestIdOf(request: Request, newId: () => string): string {
  const known = ids.get(request);
  if (known !== undefined) return known;
  const given = request.headers.get("x-request-id");
  const id = given !== null && sane.test(given) ? given : newId();
  ids.set(request, id);
  return id;
}
