// What an append comes to, by what the stream holds and what is expected of it: a table for every server and for every
// stand-in of one.

export interface AppendCase {
  readonly rule: string;
  /** Ids that the stream holds before, as one letter each. */
  readonly stored: string;
  /** `stream_exists` is not in the port: only the client can ask for it. */
  readonly expected: "any" | "no_stream" | "stream_exists" | bigint;
  readonly appended: string;
  /** The revision that is told, or the refusal. */
  readonly outcome: number | "conflict";
  readonly after: string;
  /** The same where each id is stored once in a stream, as the embedded server does it for the ledger; absent: no other. */
  readonly eachOnce?: Pick<AppendCase, "outcome" | "after">;
}

export const appendCases: readonly AppendCase[] = [
  { rule: "any writes to a new stream", stored: "", expected: "any", appended: "a", outcome: 0, after: "a" },
  {
    rule: "no_stream writes to a new stream",
    stored: "",
    expected: "no_stream",
    appended: "ab",
    outcome: 1,
    after: "ab",
  },
  {
    rule: "stream_exists refuses a new stream",
    stored: "",
    expected: "stream_exists",
    appended: "a",
    outcome: "conflict",
    after: "",
  },
  {
    rule: "a revision refuses a new stream",
    stored: "",
    expected: 0n,
    appended: "a",
    outcome: "conflict",
    after: "",
  },
  { rule: "any adds what is new", stored: "a", expected: "any", appended: "b", outcome: 1, after: "ab" },
  {
    rule: "stream_exists adds what is new",
    stored: "a",
    expected: "stream_exists",
    appended: "b",
    outcome: 1,
    after: "ab",
  },
  {
    rule: "any knows the newest id again",
    stored: "ab",
    expected: "any",
    appended: "b",
    outcome: 1,
    after: "ab",
  },
  {
    rule: "any knows an older id again and tells its revision",
    stored: "ab",
    expected: "any",
    appended: "a",
    outcome: 0,
    after: "ab",
  },
  {
    rule: "stream_exists knows ids again",
    stored: "ab",
    expected: "stream_exists",
    appended: "ab",
    outcome: 1,
    after: "ab",
  },
  {
    rule: "any refuses a known id before a new one",
    stored: "a",
    expected: "any",
    appended: "ab",
    outcome: "conflict",
    after: "a",
    eachOnce: { outcome: 1, after: "ab" },
  },
  {
    rule: "any looks no further than a new first id",
    stored: "a",
    expected: "any",
    appended: "ba",
    outcome: 2,
    after: "aba",
    eachOnce: { outcome: 1, after: "ab" },
  },
  {
    rule: "no_stream knows the same ids again",
    stored: "ab",
    expected: "no_stream",
    appended: "ab",
    outcome: 1,
    after: "ab",
  },
  {
    rule: "no_stream knows the first of several again",
    stored: "ab",
    expected: "no_stream",
    appended: "a",
    outcome: 0,
    after: "ab",
  },
  {
    rule: "no_stream refuses another id",
    stored: "a",
    expected: "no_stream",
    appended: "b",
    outcome: "conflict",
    after: "a",
  },
  {
    rule: "a revision behind knows the id that follows it",
    stored: "abc",
    expected: 0n,
    appended: "b",
    outcome: 1,
    after: "abc",
  },
  {
    rule: "a revision behind refuses an id from elsewhere in the stream",
    stored: "abc",
    expected: 0n,
    appended: "c",
    outcome: "conflict",
    after: "abc",
  },
  {
    rule: "a revision behind refuses where only the first id follows it",
    stored: "abc",
    expected: 0n,
    appended: "bx",
    outcome: "conflict",
    after: "abc",
  },
  {
    rule: "a revision behind refuses more than follows it",
    stored: "abc",
    expected: 0n,
    appended: "bcd",
    outcome: "conflict",
    after: "abc",
  },
  {
    rule: "the newest revision writes even a known id",
    stored: "ab",
    expected: 1n,
    appended: "a",
    outcome: 2,
    after: "aba",
    eachOnce: { outcome: 0, after: "ab" },
  },
  {
    rule: "a revision ahead is refused",
    stored: "a",
    expected: 4n,
    appended: "b",
    outcome: "conflict",
    after: "a",
  },
  {
    rule: "equal ids inside one append are all stored",
    stored: "",
    expected: "any",
    appended: "aa",
    outcome: 1,
    after: "aa",
    eachOnce: { outcome: 0, after: "a" },
  },
];
