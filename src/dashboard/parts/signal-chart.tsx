// An incident on one axis of time: when each signal was received (above) and when it happened (below), joined by a line
// that slants where it was on the way, and the outages that came of them as bars.

import { useEffect, useRef, useState } from "preact/hooks";
import type { PairItem, TimelineItem } from "../../answers/incidents.ts";
import { nowMs } from "../clock.ts";
import { durationText, timeText } from "../wording.ts";

interface SignalChartProps {
  readonly outages: readonly PairItem[];
  readonly records: readonly TimelineItem[];
  readonly late: ReadonlySet<string>;
}

/** About what a time takes up along the axis. */
const tickWidth = 180;
const margin = 24;
const tracks = { received: 26, happened: 72, outages: 98, axis: 138, height: 148 };

export function SignalChart({ outages, records, late }: SignalChartProps) {
  const svg = useRef<SVGSVGElement>(null);
  const width = useWidth(svg);
  const isOpen = outages.some((outage) => outage.recovered_at === null && outage.dismissed_at === null);
  const times = [
    ...records.map(({ effective_time }) => Date.parse(effective_time)),
    ...outages.map(({ first_alert_at }) => Date.parse(first_alert_at)),
    ...(isOpen ? [nowMs.value] : []),
  ];
  const from = Math.min(...times);
  const happenedUntil = Math.max(...times, from + 60_000);
  // Signals received long after the last incident_time stand at the edge: the axis belongs to incident_time.
  const receivedUntil = happenedUntil + (happenedUntil - from) * 0.25;
  const received = records
    .map(({ received_at }) => Date.parse(received_at))
    .filter((ms) => ms < receivedUntil);
  const until = Math.max(happenedUntil, ...received);
  const at = (ms: number): number =>
    margin + Math.min(1, Math.max(0, (ms - from) / (until - from))) * (width - 2 * margin);
  const spaces = Math.min(6, Math.max(1, Math.floor(width / tickWidth)));
  const ticks = Array.from({ length: spaces + 1 }, (_, place) => from + (place / spaces) * (until - from));
  if (times.length === 0) return null;
  return (
    <svg ref={svg} class="chart" viewBox={`0 0 ${width} ${tracks.height}`} role="img">
      <title>{`${records.length} signals and ${outages.length} outages between ${new Date(from).toISOString()} and ${new Date(until).toISOString()}`}</title>
      {ticks.map((ms, place) => (
        <g key={ms}>
          <line class="grid" x1={at(ms)} x2={at(ms)} y1="12" y2={tracks.axis - 14} />
          <text
            x={at(ms)}
            y={tracks.axis}
            text-anchor={place === 0 ? "start" : place === ticks.length - 1 ? "end" : "middle"}
          >
            {timeText(new Date(ms).toISOString(), nowMs.peek())}
          </text>
        </g>
      ))}
      {outages.map((outage) => (
        <OutageBar key={outage.outage_id} outage={outage} at={at} until={until} />
      ))}
      {records.map((record) => (
        <Signal key={record.event_id} record={record} at={at} isLate={late.has(record.event_id)} />
      ))}
    </svg>
  );
}

/** Of the element, as it is on the screen: a chart is drawn for the room that it has, never scaled into it. */
function useWidth(element: { readonly current: SVGSVGElement | null }): number {
  const [width, setWidth] = useState(1_000);
  useEffect(() => {
    if (element.current === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(280, entry?.contentRect.width ?? 0)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element.current]);
  return width;
}

interface OutageBarProps {
  readonly outage: PairItem;
  readonly at: (ms: number) => number;
  readonly until: number;
}

function OutageBar({ outage, at, until }: OutageBarProps) {
  const end = outage.recovered_at ?? outage.dismissed_at;
  const x = at(Date.parse(outage.first_alert_at));
  const endX = at(end === null ? until : Date.parse(end));
  const isRepaired = outage.matched_by !== null && outage.matched_by !== "incident_id";
  const state = end === null ? "open" : isRepaired ? "repaired" : "";
  const told =
    outage.outage_seconds === null
      ? end === null
        ? "still open"
        : "dismissed"
      : `${durationText(outage.outage_seconds)}${isRepaired ? `, matched by ${outage.matched_by}` : ""}`;
  return (
    <g>
      <title>{told}</title>
      <rect
        class={`outage ${state}`}
        x={x}
        y={tracks.outages}
        width={Math.max(3, endX - x)}
        height="14"
        rx="2"
      />
    </g>
  );
}

interface SignalProps {
  readonly record: TimelineItem;
  readonly at: (ms: number) => number;
  readonly isLate: boolean;
}

function Signal({ record, at, isLate }: SignalProps) {
  const happened = at(Date.parse(record.effective_time));
  const received = at(Date.parse(record.received_at));
  const colour =
    record.kind === "ALERT" ? "var(--open)" : record.kind === "RECOVERY" ? "var(--recovery)" : "var(--ended)";
  return (
    <g>
      <title>{`${record.status}: happened ${record.effective_time}, received ${record.received_at}`}</title>
      <line
        class={isLate ? "travel late" : "travel"}
        x1={received}
        y1={tracks.received}
        x2={happened}
        y2={tracks.happened}
      />
      {isLate ? (
        <path d={`M${received} ${tracks.received - 6}l5 9h-10Z`} fill="var(--late)" />
      ) : (
        <circle cx={received} cy={tracks.received} r="2.5" fill="var(--ended)" />
      )}
      {record.kind === "ALERT" ? (
        <path d={`M${happened} ${tracks.happened - 6}l6 6-6 6-6-6Z`} fill={colour} />
      ) : record.kind === "RECOVERY" ? (
        <circle cx={happened} cy={tracks.happened} r="5" fill={colour} />
      ) : (
        <rect x={happened - 4} y={tracks.happened - 4} width="8" height="8" fill={colour} />
      )}
    </g>
  );
}
