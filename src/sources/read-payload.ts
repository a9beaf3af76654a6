// Reads a webhook with the source that knows it, also where a carrier hands it on inside a message of its own.

import { isExactSource } from "../domain/stored-events.ts";
import { carriedBy, carriedReading } from "./carried-webhooks.ts";
import { recogniseSource, sourceNamed } from "./registry.ts";
import type { Reading, SignatureScheme, Source, SourcePayload } from "./source.ts";

/** What reads messages of carriers for what they are: what they carry goes before. */
const carrierSources = ["cloudwatch-sns", "cloudevents"];

/** Sources whose few fields do not tell a tool: such data belong to the message that carries them. */
const ofAnySender = ["fields", "standard-webhooks", ...carrierSources];

interface ReadBySource {
  readonly source: string;
  /** How the source signs; for what a carrier hands on to "auto", how the carrier does. */
  readonly signature?: SignatureScheme;
  readonly reading: Reading;
}

/**
 * Reads a payload with the source of that name; "auto" recognises it first. Undefined where there is no such source or
 * none recognises the payload. Every signal says whether it is exact.
 */
export function readPayload(name: string, payload: SourcePayload): ReadBySource | undefined {
  const source = name === "auto" ? recogniseSource(payload) : sourceNamed(name);
  const carried = mayCarry(source, payload) ? carriedBy(payload) : undefined;
  const reader = carried === undefined ? undefined : readerOf(name, source, carried);
  if (carried !== undefined && reader !== undefined) {
    const reading = carriedReading(carried, (one) => exactReading(reader, one));
    return { source: reader.name, ...signatureOf(name === "auto" ? source : reader), reading };
  }
  if (source === undefined) return undefined;
  return { source: source.name, ...signatureOf(source), reading: exactReading(source, payload) };
}

const signatureOf = (source: Source | undefined): Pick<Source, "signature"> =>
  source?.signature === undefined ? {} : { signature: source.signature };

const isCarrier = (source: Source): boolean => carrierSources.includes(source.name);

const mayCarry = (source: Source | undefined, payload: SourcePayload): boolean =>
  source === undefined || isCarrier(source) || !source.recognise(payload);

/** The source that was asked for; for "auto" the one that recognises all that is carried. */
function readerOf(
  name: string,
  source: Source | undefined,
  carried: readonly SourcePayload[],
): Source | undefined {
  if (name !== "auto") return source === undefined || isCarrier(source) ? undefined : source;
  const readers = new Set(carried.map((one) => recogniseSource(one)));
  const [reader] = readers;
  if (readers.size !== 1 || reader === undefined) return undefined;
  return source !== undefined && ofAnySender.includes(reader.name) ? undefined : reader;
}

function exactReading(source: Source, payload: SourcePayload): Reading {
  const reading = source.read(payload);
  if (reading.tag !== "signals") return reading;
  const exact = source.exact ?? isExactSource(source.name);
  return { ...reading, signals: reading.signals.map((signal) => ({ exact, ...signal })) };
}
