// One lane a monitor: when it was down in a stretch of time. Outages that overlap in time stand one below the other.

import type { PairItem } from "../../answers/incidents.ts";
import { nowMs } from "../clock.ts";
import { durationText, timeText } from "../wording.ts";
import { incidentLink } from "./links.ts";

const width = 1_000;
const mostLanes = 12;

interface LanesProps {
  readonly project: string;
  readonly outages: readonly PairItem[];
  readonly fromMs: number;
}

export function Lanes({ project, outages, fromMs }: LanesProps) {
  const untilMs = nowMs.value;
  const lanes = [
    ...Map.groupBy(outages, (outage) => outage.monitor_name || outage.monitor_id || outage.incident_id),
  ]
    .map(([name, some]) => ({ name, some, down: downMs(some, fromMs, untilMs) }))
    .sort((one, other) => other.down - one.down);
  const at = (ms: number): number => ((Math.max(fromMs, ms) - fromMs) / (untilMs - fromMs)) * width;
  return (
    <div class="lanes">
      {lanes.slice(0, mostLanes).map(({ name, some, down }) => (
        <div class="lane" key={name}>
          <a href={incidentLink(project, some.at(-1)?.incident_id ?? "")}>
            <bdi title={name}>{name}</bdi>
          </a>
          <svg viewBox={`0 0 ${width} 14`} preserveAspectRatio="none" class="chart" role="img">
            <title>{`${name}: ${some.length} outages, down for ${durationText(down / 1_000)} in all`}</title>
            {some.map((outage) => {
              const end = endOf(outage);
              const x = at(Date.parse(outage.first_alert_at));
              return (
                <rect
                  key={outage.outage_id}
                  class={end === undefined ? "outage open" : "outage"}
                  x={x}
                  width={Math.max(3, at(end ?? untilMs) - x)}
                  y="0"
                  height="14"
                />
              );
            })}
          </svg>
        </div>
      ))}
      <div class="lane-axis" aria-hidden="true">
        <span>{timeText(new Date(fromMs).toISOString(), untilMs)}</span>
        <span>now</span>
      </div>
      {lanes.length > mostLanes ? (
        <p class="soft">And {lanes.length - mostLanes} more that were down for less.</p>
      ) : null}
    </div>
  );
}

const endOf = ({ recovered_at, dismissed_at }: PairItem): number | undefined => {
  const end = recovered_at ?? dismissed_at;
  return end === null ? undefined : Date.parse(end);
};

const downMs = (outages: readonly PairItem[], fromMs: number, untilMs: number): number =>
  outages.reduce(
    (sum, outage) =>
      sum + Math.max(0, (endOf(outage) ?? untilMs) - Math.max(fromMs, Date.parse(outage.first_alert_at))),
    0,
  );
