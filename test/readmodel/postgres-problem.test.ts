// What is wrong with Postgres is said without its password, whatever that holds and however little of the URL can be read.

import { expect, test } from "bun:test";
import { freePort } from "../../src/processes/ports.ts";
import { checkPostgres } from "../../src/readmodel/postgres-problem.ts";

test("no line shows the password, or a part of it", async () => {
  const port = await freePort();
  for (const between of ["", "%40", "@", "/", "?", "#", ":", "%", "@/", "/?"]) {
    const problem = await checkPostgres(`postgres://user:SECRET${between}WORD@127.0.0.1:${port}/ledger`);
    expect(problem?.line).toStartWith(`Cannot use Postgres at 127.0.0.1:${port}/ledger: `);
    expect(problem?.line).not.toMatch(/SECRET|WORD/);
  }
});
