// The streams that incidents lie in: two incident_ids never share one.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type IncidentId, type ProjectUuid, parseIncidentId } from "../../src/domain/ids.ts";
import { incidentStream, streamsOfIncident } from "../../src/domain/stored-events.ts";

const project = "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11" as ProjectUuid;
const idOf = (text: string): IncidentId => {
  const id = parseIncidentId(text);
  if (id === undefined) throw new Error("Not an incident_id");
  return id;
};
const streamOf = (text: string): string => incidentStream(project, idOf(text));
/** Any UTF-16 text, lone surrogates and U+FFFD more often than not. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(0xd800, 0xdbff, 0xdc00, 0xdfff, 0xfffd, 0x25),
      fc.integer({ min: 0, max: 0xffff }),
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((codes) => String.fromCharCode(...codes));

describe("an incident's stream", () => {
  test("is named by its project and the id's UTF-8, percent-encoded", () => {
    expect(streamOf("a/b ü")).toBe(`incident-${project}.a%2Fb%20%C3%BC`);
    expect(streamOf("\ufffd")).toBe(`incident-${project}.%EF%BF%BD`);
    expect(streamOf("x\ud800y\udfff")).toBe(`incident-${project}.x%ED%A0%80y%ED%BF%BF`);
    fc.assert(
      fc.property(texts, (text) => {
        if (text.isWellFormed())
          expect(streamOf(text)).toBe(`incident-${project}.${encodeURIComponent(text)}`);
        expect(streamOf(text)).toMatch(/^[\x21-\x7e]+$/);
      }),
    );
  });

  test("is no other id's", () => {
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        expect(streamOf(one) === streamOf(other)).toBe(one === other);
        expect(streamOf(one.toWellFormed()) === streamOf(one)).toBe(one.isWellFormed());
      }),
      { numRuns: 2_000 },
    );
  });

  test("of an id with lone surrogates was another one before", () => {
    expect(streamsOfIncident(project, idOf("a"))).toEqual([`incident-${project}.a`]);
    expect(streamsOfIncident(project, idOf("\udc00"))).toEqual([
      `incident-${project}.%EF%BF%BD`,
      `incident-${project}.%ED%B0%80`,
    ]);
  });
});
