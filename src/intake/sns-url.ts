// Which URLs are Amazon SNS's own, and the one way in which they are asked: bounded in time and size, without redirects.
// Knows no message.

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type SnsAnswer =
  | { readonly tag: "answered"; readonly text: string }
  /** Amazon was asked and says no: asking again would not help. */
  | { readonly tag: "refused"; readonly reason: string }
  /** Nobody knows: asking again may help. */
  | { readonly tag: "unavailable"; readonly reason: string };

const timeoutMs = 5_000;
const longestAnswer = 65_536;
const longestUrl = 2_000;

const originShape = /^https:\/\/sns\.[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}\.amazonaws\.com(?:\.cn)?$/;

/** Whether a URL is one of SNS itself: https, the usual port, no user, and a host that only Amazon has. */
export const isSnsUrl = (text: string): boolean => snsUrl(text) !== undefined;

/**
 * The URL, where it is one of SNS. Its beginning has to be written as it is meant: what a parser would first turn into
 * Amazon's host (a user, a port, other dots, escapes, white space, backslashes) is refused.
 */
export function snsUrl(text: string): URL | undefined {
  if (text.length > longestUrl) return undefined;
  const url = URL.parse(text);
  if (url === null || !originShape.test(url.origin)) return undefined;
  return text.startsWith(`${url.origin}/`) ? url : undefined;
}

/** Asks SNS and nobody else. Never throws. */
export async function askSns(fetch: Fetch, text: string): Promise<SnsAnswer> {
  const url = snsUrl(text);
  if (url === undefined)
    return { tag: "refused", reason: "the URL is not https://sns.<region>.amazonaws.com" };
  try {
    const answer = await fetch(url.href, { redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      return {
        tag: isFinal(answer.status) ? "refused" : "unavailable",
        reason: `it answered ${answer.status}`,
      };
    }
    return await bounded(answer);
  } catch {
    return { tag: "unavailable", reason: "it did not answer as it should within 5 seconds" };
  }
}

const isFinal = (status: number): boolean =>
  status >= 400 && status < 500 && status !== 408 && status !== 429;

async function bounded(answer: Response): Promise<SnsAnswer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const reader = answer.body?.getReader();
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    size += read.value.byteLength;
    if (size > longestAnswer) {
      await reader?.cancel();
      return { tag: "refused", reason: `it answered more than ${longestAnswer} bytes` };
    }
    pieces.push(read.value);
  }
  return { tag: "answered", text: Buffer.concat(pieces).toString("utf8") };
}
