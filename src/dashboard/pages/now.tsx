// Now: what is broken, since when; how the last thirty days went; and the last twenty-four hours as lanes.

import { useMemo } from "preact/hooks";
import type { MttrAnswer, PairItem } from "../../answers/incidents.ts";
import { useAnswer } from "../answers.ts";
import { nowMs } from "../clock.ts";
import type { DashboardPage, PageProps } from "../pages.ts";
import { Lanes } from "../parts/lanes.tsx";
import { incidentLink } from "../parts/links.ts";
import { Empty, Trouble } from "../parts/notices.tsx";
import { Mark } from "../parts/state-mark.tsx";
import { Age, Sent, Time } from "../parts/texts.tsx";
import { countText, durationText } from "../wording.ts";

interface Outages {
  readonly items: readonly PairItem[];
  readonly next_cursor: string | null;
}

const dayMs = 86_400_000;
/** From the full minute, so that it is the same question for a while. */
const daysAgo = (days: number): string =>
  new Date(Math.floor((nowMs.peek() - days * dayMs) / 60_000) * 60_000).toISOString();

function NowPage({ project }: PageProps) {
  const [dayAgo, monthAgo] = useMemo(() => [daysAgo(1), daysAgo(30)], []);
  const open = useAnswer<Outages>(`/api/projects/${project}/pairs?state=open&limit=500`);
  const ended = useAnswer<Outages>(`/api/projects/${project}/pairs?from=${dayAgo}&limit=500`);
  const month = useAnswer<MttrAnswer>(`/api/projects/${project}/mttr?from=${monthAgo}`);
  const broken = open.value?.items ?? [];
  const lanes = [...(ended.value?.items ?? []), ...broken];
  return (
    <>
      <Trouble problem={open.problem} />
      {open.value === undefined ? null : (
        <div class={broken.length > 0 ? "headline broken" : "headline"}>
          <span class="big">{open.value.next_cursor === null ? broken.length : "500+"}</span>
          <p>
            <strong>
              {broken.length === 0
                ? "Nothing is broken"
                : broken.length === 1
                  ? "open outage"
                  : "open outages"}
            </strong>
            <MonthSentence month={month.value} />
          </p>
        </div>
      )}
      {broken.length === 0 ? null : <OpenList project={project} outages={broken} />}
      {open.value === undefined || ended.value === undefined ? null : (
        <section class="section" aria-labelledby="day-title">
          <h2 id="day-title">The last 24 hours</h2>
          <div class="sheet">
            {lanes.length === 0 ? (
              <Empty title="A quiet day">No outage was open in the last 24 hours.</Empty>
            ) : (
              <Lanes project={project} outages={lanes} fromMs={Date.parse(dayAgo)} />
            )}
          </div>
        </section>
      )}
    </>
  );
}

function MonthSentence({ month }: { readonly month: MttrAnswer | undefined }) {
  if (month === undefined) return null;
  if (month.n === 0 || month.median_seconds === null)
    return <span>Nothing ended in the last 30 days, so there is no recovery time to tell.</span>;
  return (
    <span>
      In the last 30 days {countText(month.n, "outage")} recovered, half of them within{" "}
      <b>{durationText(month.median_seconds)}</b>
      {month.p90_seconds === null ? null : (
        <>
          {" "}
          and nine in ten within <b>{durationText(month.p90_seconds)}</b>
        </>
      )}
      .
    </span>
  );
}

/** The oldest first: it has waited longest. */
const OpenList = (props: { readonly project: string; readonly outages: readonly PairItem[] }) => (
  <ul class="open-list sheet">
    {props.outages.map((outage) => (
      <li key={outage.outage_id} class="fresh">
        <a href={incidentLink(props.project, outage.incident_id)} data-row>
          <Mark shape="open" />
          <span class="what">
            <Sent text={outage.monitor_name || outage.incident_id} />
          </span>
          <span class="since">
            <Age since={outage.first_alert_at} />
          </span>
          <span class="detail">
            since <Time at={outage.first_alert_at} /> · {countText(outage.alerts, "alert")}
            {outage.monitor_name ? (
              <>
                {" · "}
                <Sent text={outage.incident_id} />
              </>
            ) : null}
          </span>
        </a>
      </li>
    ))}
  </ul>
);

export const nowPage: DashboardPage = {
  name: "now",
  title: "Now",
  asks: "What is broken, since when?",
  key: "n",
  view: NowPage,
};
