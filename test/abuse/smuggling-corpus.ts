// Requests whose end two servers could see in different places, with a second request hidden in each, and how each is
// to be answered. Knows no server.

export interface Smuggled {
  readonly name: string;
  readonly bytes: string;
  /**
   * refused: the connection ends with a 400 or 505, and nothing is recorded. outer: one answer, and the outer webhook
   * alone is recorded. outer_then_refused: as outer, and what follows it is refused. neither: one answer that is no 200,
   * and nothing is recorded.
   */
  readonly expected: "refused" | "outer" | "outer_then_refused" | "neither";
}

export interface Webhooks {
  /** The body of a webhook that is recorded as this incident. */
  readonly body: (incident: string) => string;
  readonly key: string;
}

/** `outer` and `inner` as incident_ids: the inner one is never to be recorded. */
export function smugglingCorpus({ body, key }: Webhooks): readonly Smuggled[] {
  const post = (headers: string, rest: string, line = "POST /api/incidents/webhook/ HTTP/1.1"): string =>
    `${line}\r\nHost: x\r\nX-API-Key: ${key}\r\n${headers}\r\n${rest}`;
  const outer = body("outer");
  const inner = post(`Content-Length: ${body("inner").length}\r\n`, body("inner"));
  const n = outer.length;
  const plain = post(`Content-Length: ${n}\r\n`, outer);
  const telling = outer.replace(/\}$/, `,"message":${JSON.stringify(inner)}}`);
  const hex = n.toString(16);
  const chunks = `${hex}\r\n${outer}\r\n0\r\n\r\n`;
  const hidden = `0\r\n\r\n${inner}`;
  const both = `Content-Length: ${hidden.length}\r\n`;
  const chunked = (rest: string): string => post("Transfer-Encoding: chunked\r\n", rest);
  const of =
    (expected: Smuggled["expected"]) =>
    ([name, bytes]: readonly [string, string]): Smuggled => ({ name, bytes, expected });

  const refused: readonly (readonly [string, string])[] = [
    ["CL and TE", post(`${both}Transfer-Encoding: chunked\r\n`, hidden)],
    ["TE and CL", post(`Transfer-Encoding: chunked\r\nContent-Length: 4\r\n`, chunks + inner)],
    ["two CL", post(`Content-Length: ${n}\r\nContent-Length: ${n + inner.length}\r\n`, outer + inner)],
    ["two CL in one", post(`Content-Length: ${n}, ${n}\r\n`, outer + inner)],
    ["CL with a plus", post(`Content-Length: +${n}\r\n`, outer + inner)],
    ["CL below zero", post("Content-Length: -1\r\n", outer + inner)],
    ["CL in hex", post(`Content-Length: 0x${hex}\r\n`, outer + inner)],
    ["CL with a space inside", post("Content-Length: 1 0\r\n", outer + inner)],
    ["CL without a number", post("Content-Length: \r\n", outer + inner)],
    ["CL beyond 64 bits", post("Content-Length: 18446744073709551617\r\n", `x${inner}`)],
    ["CL on a folded line", post(`Content-Length:\r\n ${n}\r\n`, outer + inner)],
    ["TE on a folded line", post(`Transfer-Encoding:\r\n chunked\r\n${both}`, hidden)],
    ["TE folded into another header", post(`X: y\r\n Transfer-Encoding: chunked\r\n${both}`, hidden)],
    ["a space before CL's colon", post(`Content-Length : ${n}\r\n`, outer + inner)],
    ["a space before TE's colon", post(`Transfer-Encoding : chunked\r\n${both}`, hidden)],
    ["bare line feeds", plain.replaceAll("\r\n", "\n")],
    ["one bare line feed", post(`Content-Length: ${n}\nX: y\r\n`, outer + inner)],
    ["a bare carriage return", post(`X: y\rTransfer-Encoding: chunked\r\n${both}`, hidden)],
    ["a TE that nobody knows, and CL", post(`Transfer-Encoding: xchunked\r\n${both}`, hidden)],
    ["a TE that nobody knows", post("Transfer-Encoding: xchunked\r\n", hidden)],
    ["TE identity, and CL", post(`Transfer-Encoding: identity\r\n${both}`, hidden)],
    ["chunked not last", post("Transfer-Encoding: chunked, identity\r\n", chunks + inner)],
    ["gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", chunks + inner)],
    ["chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n", chunks + inner)],
    ["TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunks + inner)],
    [
      "TE twice the same",
      post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks + inner),
    ],
    [
      "TE twice, chunked last",
      post("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", chunks + inner),
    ],
    ["TE in quotes", post(`Transfer-Encoding: "chunked"\r\n${both}`, hidden)],
    ["TE behind a vertical tab", post(`Transfer-Encoding: \x0bchunked\r\n${both}`, hidden)],
    ["TE with a NUL", post(`Transfer-Encoding: chunked\0\r\n${both}`, hidden)],
    [
      "TE in HTTP/1.0",
      post("Transfer-Encoding: chunked\r\n", chunks + inner, "POST /api/incidents/webhook/ HTTP/1.0"),
    ],
    ["a chunk extension with a line feed", chunked(`${hex};a\n${outer}\r\n0\r\n\r\n${inner}`)],
    ["a chunk size below zero", chunked(`-1\r\n${outer}\r\n0\r\n\r\n${inner}`)],
    ["a chunk size with 0x", chunked(`0x${hex}\r\n${outer}\r\n0\r\n\r\n${inner}`)],
    ["a chunk size beyond 64 bits", chunked(`${"f".repeat(17)}\r\n${outer}\r\n0\r\n\r\n${inner}`)],
    ["a chunk size with a space", chunked(`${hex} \r\n${outer}\r\n0\r\n\r\n${inner}`)],
    ["a chunk longer than its size", chunked(`${(n - 5).toString(16)}\r\n${outer}\r\n0\r\n\r\n${inner}`)],
    ["a chunk without its line end", chunked(`${hex}\r\n${outer}0\r\n\r\n${inner}`)],
    ["chunks with bare line feeds", chunked(`${hex}\n${outer}\n0\n\n${inner}`)],
    ["no Host", plain.replace("Host: x\r\n", "")],
    ["a header without a colon", post(`Foo\r\nContent-Length: ${n}\r\n`, outer)],
    ["a header without a name", post(`: x\r\nContent-Length: ${n}\r\n`, outer)],
    ["a NUL in a name", post(`A\0b: x\r\nContent-Length: ${n}\r\n`, outer)],
    ["a NUL in a value", post(`Ab: x\0y\r\nContent-Length: ${n}\r\n`, outer)],
    ["a letter beyond ASCII in a name", post(`\xe4: x\r\nContent-Length: ${n}\r\n`, outer)],
    ["two spaces in the first line", plain.replace("POST /", "POST  /")],
    ["a tab in the first line", plain.replace("POST /", "POST\t/")],
    ["HTTP/1.2", plain.replace("HTTP/1.1", "HTTP/1.2")],
    ["HTTP/2.0", plain.replace("HTTP/1.1", "HTTP/2.0")],
    ["no version", plain.replace(" HTTP/1.1", "")],
    ["http in lower case", plain.replace("HTTP/1.1", "http/1.1")],
    ["HTTP/2's preface", `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${inner}`],
  ];
  const taken: readonly (readonly [string, string])[] = [
    ["nothing odd", plain],
    ["two CL that are the same", post(`Content-Length: ${n}\r\nContent-Length: ${n}\r\n`, outer)],
    ["CL with zeros in front", post(`Content-Length: 000${n}\r\n`, outer)],
    ["CL behind a tab", post(`Content-Length:\t${n}\r\n`, outer)],
    ["Chunked", post("Transfer-Encoding: Chunked\r\n", chunks)],
    ["chunked between blanks", post("Transfer-Encoding:\tchunked \r\n", chunks)],
    ["a chunk extension", chunked(`${hex};a=b\r\n${outer}\r\n0\r\n\r\n`)],
    ["a chunk size with zeros in front", chunked(`${"0".repeat(40)}${hex}\r\n${outer}\r\n0\r\n\r\n`)],
    ["an underscore in TE's name", post(`Transfer_Encoding: chunked\r\nContent-Length: ${n}\r\n`, outer)],
    ["an Upgrade to h2c", post(`Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: ${n}\r\n`, outer)],
    ["a request as its message", post(`Content-Length: ${telling.length}\r\n`, telling)],
  ];
  const followed: readonly (readonly [string, string])[] = [
    ["a last chunk with more behind it", chunked(`${hex}\r\n${outer}\r\n0\r\nX${inner}`)],
    ["trailers", chunked(`${hex}\r\n${outer}\r\n0\r\nX-API-Key: no\r\nContent-Length: 5\r\n\r\n${inner}`)],
  ];
  const long = inner + " ".repeat(300_000);
  const unanswered: readonly (readonly [string, string])[] = [
    ["too long a body that holds a request", post(`Content-Length: ${long.length}\r\n`, long)],
    ["too long a chunk that holds a request", chunked(`${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`)],
    [
      "no such path, with a request as its body",
      post(`Content-Length: ${inner.length}\r\n`, inner, "POST /nope HTTP/1.1"),
    ],
    [
      "no such key, with a request as its body",
      post(`Content-Length: ${inner.length}\r\n`, inner).replace(`X-API-Key: ${key}`, "X-API-Key: no"),
    ],
  ];
  return [
    ...refused.map(of("refused")),
    ...taken.map(of("outer")),
    ...followed.map(of("outer_then_refused")),
    ...unanswered.map(of("neither")),
  ];
}
