// Which headers and query parameters of a native webhook are kept beside its payload: those that a source may need to
// read it again. Keys, tokens and cookies never.

const keptNames =
  /^(ce-[a-z0-9]+|content-type|user-agent|(webhook|svix)-(id|timestamp)|x-github-(event|delivery)|sentry-hook-(resource|timestamp)|x-checkly-timestamp|x-webhook-id|x-amz-sns-[a-z-]+)$/;

const secretParameters = /^(token|access_token|api_?key|key|x-api-key|authorization|password|secret)$/i;

const mostKept = 50;
const longestKept = 2_000;

/** Header names must be lower case. */
export const keptHeaders = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  bounded(Object.entries(headers).filter(([name]) => keptNames.test(name)));

export const keptQuery = (query: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(query).filter(([name]) => !secretParameters.test(name)));

const bounded = (entries: readonly [string, string][]): Record<string, string> =>
  Object.fromEntries(entries.slice(0, mostKept).map(([name, value]) => [name, value.slice(0, longestKept)]));
