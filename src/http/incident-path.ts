// The incident_id in a path or a query, exactly: taken from the request's own text, since it may hold anything, slashes included.

import { maxIncidentIdLength } from "../domain/ids.ts";
import { badRequest } from "./answer.ts";

/**
 * The ids that the path may mean, the likeliest first; or the 400. They are two only for `%2E` and `%2E%2E` as ids: a
 * client takes a lone dot out of a path in whatever way it is written, so that the incident `.` is asked for as
 * `%252E`.
 */
export function incidentIdsIn(request: Request): readonly string[] | Response {
  const encoded = /\/incidents\/([^/?#]+)/.exec(request.url)?.[1] ?? "";
  const id = decoded(encoded);
  if (id === undefined) return badRequest("incident_id in the path is not percent-encoded UTF-8.");
  if (id.length > maxIncidentIdLength) {
    return badRequest(`incident_id has more than ${maxIncidentIdLength} characters.`);
  }
  return /^(?:%2E){1,2}$/i.test(id) ? [id, id.replace(/%2E/gi, ".")] : [id];
}

/** An incident_id in the query, where it holds lone surrogates: the URL's own reading makes U+FFFD of them. */
export function exactIncidentIdIn(request: Request): string | undefined {
  const encoded = /[?&]incident_id=([^&#]*)/.exec(request.url)?.[1]?.replaceAll("+", " ") ?? "";
  return encoded.search(surrogate) < 0 ? undefined : decoded(encoded);
}

const surrogate = /%ED%([AB][0-9A-F])%([89AB][0-9A-F])/gi;

/** A sender's lone surrogate has no UTF-8; its three bytes, as UTF-8 would write them, stand for it here. */
function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    try {
      let end = 0;
      let text = "";
      for (const found of encoded.matchAll(surrogate)) {
        const [high, low] = [Number.parseInt(found[1] ?? "", 16), Number.parseInt(found[2] ?? "", 16)];
        text += decodeURIComponent(encoded.slice(end, found.index));
        text += String.fromCharCode(0xd000 | ((high & 0x3f) << 6) | (low & 0x3f));
        end = found.index + found[0].length;
      }
      return text + decodeURIComponent(encoded.slice(end));
    } catch {
      return undefined;
    }
  }
}

/** The first answer that there is, by the ids that a path may mean. */
export async function firstFound<T>(
  ids: readonly string[],
  ask: (id: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  for (const id of ids) {
    const found = await ask(id);
    if (found !== undefined) return found;
  }
  return undefined;
}
