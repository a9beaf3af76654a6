// The list of incidents. Only the rows in sight are in the document, however far the list has been scrolled.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { IncidentItem } from "../../answers/incidents.ts";
import { nowMs } from "../clock.ts";
import { useGrowingList } from "../growing-list.ts";
import { incidentLink } from "./links.ts";
import { Empty, Trouble } from "./notices.tsx";
import { State } from "./state-mark.tsx";
import { Sent, Time } from "./texts.tsx";

interface IncidentRowsProps {
  readonly project: string;
  readonly state: string;
  readonly days: string;
  readonly monitor: string;
}

const rowHeight = 41;
/** Above and below what is in sight. */
const spareRows = 12;

export function IncidentRows({ project, state, days, monitor }: IncidentRowsProps) {
  const path = useMemo(() => {
    const asked = new URLSearchParams();
    if (state !== "") asked.set("state", state);
    if (monitor !== "") asked.set("monitor_id", monitor);
    if (/^\d{1,3}$/.test(days))
      asked.set("from", new Date(nowMs.peek() - Number(days) * 86_400_000).toISOString());
    return `/api/projects/${project}/incidents?${asked}`;
  }, [project, state, days, monitor]);
  const { items, problem, hasMore, more } = useGrowingList<IncidentItem>(
    path,
    ({ incident_id }) => incident_id,
  );
  const { body, sight } = useSight(items?.length ?? 0, hasMore ? more : undefined);
  if (items === undefined) return <Trouble problem={problem} />;
  if (items.length === 0)
    return (
      <div class="sheet">
        <Empty title="No incident fits">
          {state === "" && monitor === "" && days === ""
            ? "The first webhook of this project will be here the moment it arrives."
            : "Try a longer time, or fewer filters."}
        </Empty>
      </div>
    );
  const from = Math.min(sight.from, items.length);
  const seen = items.slice(from, sight.to);
  return (
    <div class="sheet">
      <table class="rows">
        <caption class="unseen">Incidents, the newest first</caption>
        <Head />
        <tbody ref={body}>
          <Space rows={from} />
          {seen.map((item) => (
            <IncidentRow key={item.incident_id} project={project} item={item} />
          ))}
          <Space rows={items.length - from - seen.length} />
        </tbody>
      </table>
      {problem === undefined ? null : <Trouble problem={problem} />}
    </div>
  );
}

const Head = () => (
  <>
    <thead>
      <tr>
        <th scope="col">Incident</th>
        <th scope="col" class="as-state">
          State
        </th>
        <th scope="col" class="wide number as-count">
          Outages
        </th>
        <th scope="col" class="wide as-time">
          First heard of
        </th>
        <th scope="col" class="wide as-time">
          Last heard of
        </th>
      </tr>
    </thead>
  </>
);

interface Sight {
  readonly from: number;
  readonly to: number;
}

/** Which rows are in sight of the body; `more` is called where the last of them are. */
function useSight(count: number, more: (() => Promise<void>) | undefined) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [sight, setSight] = useState<Sight>({ from: 0, to: 60 });
  const isLoading = useRef(false);
  useEffect(() => {
    const look = (): void => {
      const top = body.current?.getBoundingClientRect().top ?? 0;
      const from = Math.max(0, Math.floor(-top / rowHeight) - spareRows);
      const to = Math.ceil((innerHeight - top) / rowHeight) + spareRows;
      setSight((before) => (before.from === from && before.to === to ? before : { from, to }));
      if (to < count || more === undefined || isLoading.current) return;
      isLoading.current = true;
      void more().finally(() => {
        isLoading.current = false;
      });
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  });
  return { body, sight };
}

const Space = ({ rows }: { readonly rows: number }) =>
  rows <= 0 ? null : (
    <tr>
      <td colSpan={2} style={{ height: `${rows * rowHeight}px`, padding: 0 }} />
    </tr>
  );

const IncidentRow = ({ project, item }: { readonly project: string; readonly item: IncidentItem }) => (
  <tr>
    <td>
      <a class="name" href={incidentLink(project, item.incident_id)} data-row>
        <Sent text={item.monitor_name || item.incident_id} />{" "}
        {item.monitor_name ? (
          <span class="soft">
            <Sent text={item.incident_id} />
          </span>
        ) : null}
      </a>
    </td>
    <td>
      <State state={item.state} />
    </td>
    <td class="wide number">{item.outages}</td>
    <td class="wide">
      <Time at={item.first_time} />
    </td>
    <td class="wide">
      <Time at={item.last_time} />
    </td>
  </tr>
);
