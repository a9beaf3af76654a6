// Events that no projection can take, and events that only look so: as another client of the event store may append them.

import { randomUUID } from "node:crypto";
import type { ProjectedEvent, Projection } from "../../projections/projection.ts";
import type { Changes, Row } from "../../projections/table.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import type { RecordedEvent } from "../../src/domain/stored-events.ts";
import { recordedAt, second } from "../projections/histories.ts";

/** A signal as the service itself records it, under an incident of its own. */
export function signalAt(
  position: bigint,
  project: ProjectUuid,
  fields: Record<string, unknown> = {},
): RecordedEvent {
  const event = recordedAt(position, {
    id: randomUUID(),
    stored: {
      type: "IncidentSignalRecorded",
      data: {
        project_uuid: project,
        incident_id: `incident ${position}`,
        status: "DOWN",
        incident_time: second(1),
        payload: "{}",
      },
    },
    metadata: { received_at: second(2), source: "contract", key_id: randomUUID() },
  });
  return { ...event, data: { ...(event.data as object), ...fields } };
}

const without = ({ data, ...event }: RecordedEvent, name: string): RecordedEvent => {
  const { [name]: _, ...rest } = data as Record<string, unknown>;
  return { ...event, data: rest };
};

type Make = (position: bigint, project: ProjectUuid) => RecordedEvent;

const withField =
  (name: string, value: unknown): Make =>
  (position, project) =>
    signalAt(position, project, { [name]: value });

const setting =
  (type: string, fields: Record<string, unknown>): Make =>
  (position, project) => ({
    ...signalAt(position, project),
    type,
    stream: "registry",
    data: { project_uuid: project, ...fields },
  });

/** Deeper than any stack. */
function deep(): unknown {
  let nested: unknown = [];
  for (let depth = 0; depth < 200_000; depth++) nested = [nested];
  return nested;
}

/** What is wrong, what the reason must say, and the event. */
export const poisons: readonly (readonly [what: string, reason: RegExp, make: Make])[] = [
  ["a number for a text", /incident_id is missing or no text/, withField("incident_id", 7)],
  ["a list for a text", /status is missing or no text/, withField("status", ["DOWN"])],
  ["an object for a text", /message is missing or no text/, withField("message", {})],
  ["no status", /status is missing/, (...at) => without(signalAt(...at), "status")],
  ["no project", /project_uuid is missing/, (...at) => without(signalAt(...at), "project_uuid")],
  ["no time", /incident_time is missing/, (...at) => without(signalAt(...at), "incident_time")],
  ["a time in words", /incident_time "yesterday"/, withField("incident_time", "yesterday")],
  ["a canonical time that is none", /month 13/, withField("incident_time", "2025-13-45T00:00:00.000000000Z")],
  ["a day that is none", /no day 30/, withField("incident_time", "2025-02-30T00:00:00.000000000Z")],
  ["the year 0", /year 0000/, withField("incident_time", "0000-01-01T00:00:00.000000000Z")],
  ["an empty incident_id", /incident_id has 0/, withField("incident_id", "")],
  ["a long incident_id", /incident_id has 513/, withField("incident_id", "x".repeat(513))],
  ["a project that is no UUID", /project_uuid "shop" is no UUID/, withField("project_uuid", "shop")],
  ["a repository that is no UUID", /repo_uuid "\u2400" is no UUID/, withField("repo_uuid", "\0")],
  ["an unknown kind", /kind is "MAYBE"/, withField("kind", "MAYBE")],
  ["a kind that cannot be told", /./, withField("kind", { toString: 1, valueOf: 1 })],
  ["a kind deeper than the stack", /./, withField("kind", deep())],
  [
    "half a character in the reason",
    /kind is "x*\ufffd"/,
    withField("kind", `${"x".repeat(99)}\ud83d\ude00`),
  ],
  ["a flag that is none", /exact is "yes": neither true nor false/, withField("exact", "yes")],
  ["a start in words", /cannot read started_at "yesterday"/, withField("started_at", "yesterday")],
  ["no JSON at all", /no JSON object/, (...at) => ({ ...signalAt(...at), data: '{"incident_id": ' })],
  ["null for data", /no JSON object/, (...at) => ({ ...signalAt(...at), data: null })],
  ["bytes for data", /is missing/, (...at) => ({ ...signalAt(...at), data: Uint8Array.of(0, 255) })],
  // What the adapter hands over where metadata are missing, bytes or no JSON.
  ["metadata that are no JSON", /received_at is missing/, (...at) => ({ ...signalAt(...at), metadata: {} })],
  [
    "a time of receipt that is none",
    /cannot read received_at/,
    (...at) => ({ ...signalAt(...at), metadata: { received_at: "24:61" } }),
  ],
  ["an event id that is no UUID", /event id "1" is no UUID/, (...at) => ({ ...signalAt(...at), id: "1" })],
  ["mappings that are none", /mappings is missing/, setting("StatusesMapped", { mappings: "FINE" })],
  [
    "an unknown mapping",
    /mappings is missing or not what/,
    setting("StatusesMapped", { mappings: { FINE: "GOOD" } }),
  ],
  ["an unknown matching", /matching is missing or not what/, setting("ProjectChanged", { matching: "all" })],
  ["a value that a column refuses", /received_at.*23502/, withField("message", "refused: null")],
  ["a value of another type", /invalid input syntax.*22P02/, withField("message", "refused: type")],
  [
    "an event damaged in the event store",
    /it is damaged/,
    (...at) => ({ ...signalAt(...at), type: "$damaged", data: {}, metadata: {} }),
  ],
  ["a number out of range", /out of range.*22003/, withField("message", "refused: range")],
];

/** The projections, with a fault through which some signals reach Postgres in a form that it refuses. */
export const faulty = (projections: readonly Projection[]): Projection[] =>
  withFold(projections, {
    rows: (row) => ({
      ...row,
      ...(row.message === "refused: null" ? { received_at: null } : {}),
      ...(row.message === "refused: type" ? { event_id: "key" } : {}),
      ...(row.message === "refused: range" ? { kind: 99_999 } : {}),
    }),
  });

/** The projections with faults in the incidents' fold: in what it makes of records, or in itself. */
export function withFold(
  projections: readonly Projection[],
  faults: { readonly rows?: (row: Row) => Row; readonly fails?: (data: ProjectedEvent["data"]) => boolean },
): Projection[] {
  const { rows = (row) => row, fails = () => false } = faults;
  const changed = (changes: Changes): Changes =>
    new Map(
      [...changes].map(([table, of]) => [
        table,
        table.name === "records" ? { rows: of.rows.map(rows), removed: of.removed } : of,
      ]),
    );
  return projections.map((one) => {
    if (one.name !== "incidents") return one;
    return {
      ...one,
      createFold: (...given) => {
        const { fold } = one.createFold(...given);
        return {
          fold: async (events) => {
            if (events.some(({ data }) => fails(data))) throw new Error("a mistake in a fold");
            return changed(await fold(events));
          },
        };
      },
    };
  });
}

/** Odd, and none of them poison: text is kept in its normal form, a foreign type leaves no trace. */
export const harmless: readonly Make[] = [
  withField("message", "\0 \ud800 \udfff"),
  withField("monitor_id", "\0".repeat(512)),
  withField("monitor_name", "\ud83d"),
  withField("message", "huge ".repeat(100_000)),
  withField("status", "x".repeat(100_000)),
  withField("constructor", { prototype: 1 }),
  (...at) => ({ ...signalAt(...at), metadata: { received_at: second(3), key_id: "none", source: "\0" } }),
];

/** Types that are none of ours. */
export const foreign: readonly Make[] = [
  (...at) => ({ ...signalAt(...at), type: "SomethingElse" }),
  (...at) => ({ ...signalAt(...at), type: "__proto__", data: null }),
  (...at) => ({ ...signalAt(...at), type: "", data: "{" }),
];
