// One incident: what happened, and what did we know when? Its facts, its outages and signals on one axis of time, and each
// record with its payload a click away.

import { useMemo, useState } from "preact/hooks";
import type { IncidentDetail, TimelineItem } from "../../answers/incidents.ts";
import { addressText, encodedPart } from "../address.ts";
import { useAnswer } from "../answers.ts";
import { laterThanNews } from "../lateness.ts";
import { durationText } from "../wording.ts";
import { Empty, Trouble } from "./notices.tsx";
import { PayloadDialog } from "./payload-dialog.tsx";
import { SignalChart } from "./signal-chart.tsx";
import { Mark, type MarkShape, State } from "./state-mark.tsx";
import { Sent, Time } from "./texts.tsx";

interface IncidentViewProps {
  readonly project: string;
  readonly incident: string;
}

const mostRecords = 500;

export function IncidentView({ project, incident }: IncidentViewProps) {
  const path = `/api/projects/${project}/incidents/${encodedPart(incident)}`;
  const found = useAnswer<IncidentDetail>(path);
  const timeline = useAnswer<{ items: readonly TimelineItem[]; next_cursor: string | null }>(
    `${path}/timeline?limit=${mostRecords}`,
  );
  const [payloadOf, setPayloadOf] = useState<TimelineItem>();
  const records = timeline.value?.items ?? [];
  const late = useMemo(() => laterThanNews(records), [records]);
  const detail = found.value;
  if (detail === undefined) {
    return found.problem?.status === 404 ? (
      <Empty title="There is no such incident">It may belong to another project.</Empty>
    ) : (
      <Trouble problem={found.problem} />
    );
  }
  return (
    <>
      <p class="soft">
        <a class="link" href={addressText({ project, page: "incidents", detail: undefined, query: {} })}>
          Incidents
        </a>
      </p>
      <div class="page-head">
        <h1>
          <Sent text={detail.monitor_name || detail.incident_id} />
        </h1>
        <State state={detail.state} />
      </div>
      <Facts detail={detail} />
      <div class="sheet">
        <SignalChart outages={detail.outages} records={records} late={late} />
        <Legend />
      </div>
      <section class="section" aria-labelledby="records-title">
        <h2 id="records-title">Records</h2>
        {timeline.value?.next_cursor ? (
          <p class="soft">The first {mostRecords} records are shown; the API has them all.</p>
        ) : null}
        <div class="sheet">
          <Records records={records} late={late} show={setPayloadOf} />
        </div>
      </section>
      {payloadOf === undefined ? null : (
        <PayloadDialog path={path} record={payloadOf} close={() => setPayloadOf(undefined)} />
      )}
    </>
  );
}

function Facts({ detail }: { readonly detail: IncidentDetail }) {
  const last = detail.outages.at(-1);
  return (
    <dl class="facts">
      <div>
        <dt>Incident id</dt>
        <dd>
          <Sent text={detail.incident_id} />
        </dd>
      </div>
      {detail.monitor_id === null || detail.monitor_id === "" ? null : (
        <div>
          <dt>Monitor id</dt>
          <dd>
            <Sent text={detail.monitor_id} />
          </dd>
        </div>
      )}
      <div>
        <dt>Outages</dt>
        <dd>{detail.outages_next === null ? detail.outages.length : `${detail.outages.length}+`}</dd>
      </div>
      {last === undefined || last.recovery_seconds === null ? null : (
        <div>
          <dt>Last recovery took</dt>
          <dd title={`${last.recovery_seconds} seconds`}>{durationText(last.recovery_seconds)}</dd>
        </div>
      )}
      <div>
        <dt>First heard of</dt>
        <dd>
          <Time at={detail.first_time} />
        </dd>
      </div>
      <div>
        <dt>Webhooks</dt>
        <dd>{detail.webhooks}</dd>
      </div>
    </dl>
  );
}

const Legend = () => (
  <div class="legend">
    <span>
      <Mark shape="alert" /> alert
    </span>
    <span>
      <Mark shape="recovered" /> recovery
    </span>
    <span>
      <Mark shape="dismissed" /> dismissal
    </span>
    <span>
      <Mark shape="late" /> arrived late
    </span>
    <span>Above: when it was received. Below: when it happened.</span>
  </div>
);

interface RecordsProps {
  readonly records: readonly TimelineItem[];
  readonly late: ReadonlySet<string>;
  readonly show: (record: TimelineItem) => void;
}

const Records = ({ records, late, show }: RecordsProps) => (
  <table class="rows wrapping">
    <caption class="unseen">Records in order of time</caption>
    <thead>
      <tr>
        <th scope="col" class="as-time">
          Happened
        </th>
        <th scope="col">Status</th>
        <th scope="col" class="wide as-time">
          Received
        </th>
        <th scope="col" class="wide as-time">
          Source
        </th>
        <th scope="col" class="as-button">
          Payload
        </th>
      </tr>
    </thead>
    <tbody>
      {records.map((record) => (
        <tr key={record.event_id}>
          <td>
            <Time at={record.effective_time} />
          </td>
          <td>
            <span class="state">
              <Mark shape={shapeOf(record)} />
              <b>
                <Sent text={record.status} />
              </b>
            </span>{" "}
            {late.has(record.event_id) ? (
              <span class="state">
                <Mark shape="late" /> late
              </span>
            ) : null}{" "}
            {record.message === null ? null : (
              <span class="soft">
                <Sent text={record.message} />
              </span>
            )}
          </td>
          <td class="wide">
            <Time at={record.received_at} />
          </td>
          <td class="wide">{record.source}</td>
          <td>
            <button class="button quiet" type="button" onClick={() => show(record)}>
              Show<span class="unseen"> the payload of {record.status}</span>
            </button>
          </td>
        </tr>
      ))}
    </tbody>
  </table>
);

export function shapeOf({ kind }: TimelineItem): MarkShape {
  switch (kind) {
    case "ALERT":
      return "alert";
    case "RECOVERY":
      return "recovered";
    case "DISMISSAL":
      return "dismissed";
    case "ACKNOWLEDGEMENT":
      return "acknowledged";
    case null:
      return "unmapped";
    default:
      return kind satisfies never;
  }
}
