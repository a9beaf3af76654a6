// Incidents: which one? A list that grows as it is scrolled, and one incident where the address names it.

import { filterBy } from "../address-bar.ts";
import type { DashboardPage, PageProps } from "../pages.ts";
import { IncidentRows } from "../parts/incident-rows.tsx";
import { IncidentView } from "../parts/incident-view.tsx";

const states = [
  ["", "All"],
  ["open", "Open"],
  ["recovered", "Recovered"],
  ["dismissed", "Dismissed"],
  ["orphan", "Orphans"],
  ["unmapped", "Unknown words"],
] as const;

const spans = [
  ["", "Any time"],
  ["1", "24 hours"],
  ["7", "7 days"],
  ["30", "30 days"],
] as const;

function IncidentsPage({ project, detail, query }: PageProps) {
  if (detail !== undefined) return <IncidentView project={project} incident={detail} />;
  const { state = "", days = "", monitor = "" } = query;
  return (
    <>
      <div class="filters">
        <fieldset class="chips">
          <legend class="unseen">State</legend>
          {states.map(([value, word]) => (
            <button
              type="button"
              key={value}
              aria-pressed={state === value}
              onClick={() => filterBy({ state: value })}
            >
              {word}
            </button>
          ))}
        </fieldset>
        <input
          data-search
          type="search"
          aria-label="Monitor id"
          placeholder="Monitor id"
          key={monitor}
          defaultValue={monitor}
          onChange={(event) => filterBy({ monitor: event.currentTarget.value.trim() })}
        />
        <select
          aria-label="Heard of within"
          value={days}
          onChange={(event) => filterBy({ days: event.currentTarget.value })}
        >
          {spans.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </div>
      <IncidentRows
        project={project}
        state={state}
        days={days}
        monitor={monitor}
        key={`${state} ${days} ${monitor}`}
      />
    </>
  );
}

export const incidentsPage: DashboardPage = {
  name: "incidents",
  title: "Incidents",
  asks: "Which one?",
  key: "i",
  view: IncidentsPage,
};
