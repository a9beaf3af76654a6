// Marks of states, by shape, colour and word: never by colour alone.

import type { IncidentState } from "../../answers/incidents.ts";

export type MarkShape = IncidentState | "late" | "alert" | "acknowledged";

const shapes: Readonly<Record<MarkShape, preact.JSX.Element>> = {
  open: <path d="M6 .5 11.5 6 6 11.5.5 6Z" fill="var(--open)" />,
  alert: <path d="M6 .5 11.5 6 6 11.5.5 6Z" fill="var(--open)" />,
  recovered: <circle cx="6" cy="6" r="5" fill="var(--recovery)" />,
  dismissed: <rect x="1.5" y="1.5" width="9" height="9" fill="var(--ended)" />,
  orphan: (
    <circle
      cx="6"
      cy="6"
      r="4.5"
      fill="none"
      stroke="var(--recovery)"
      stroke-width="1.5"
      stroke-dasharray="2 1.5"
    />
  ),
  unmapped: <path d="M2 6h8" stroke="var(--ended)" stroke-width="2" />,
  acknowledged: <path d="M1.5 6.5 4.5 9.5 10.5 2.5" fill="none" stroke="var(--ended)" stroke-width="2" />,
  late: <path d="M6 1 11.5 11H.5Z" fill="var(--late)" />,
};

export const Mark = ({ shape }: { readonly shape: MarkShape }) => (
  <svg class="mark" viewBox="0 0 12 12" aria-hidden="true">
    {shapes[shape]}
  </svg>
);

const words: Readonly<Record<IncidentState, string>> = {
  open: "Open",
  recovered: "Recovered",
  dismissed: "Dismissed",
  orphan: "Orphan",
  unmapped: "Unknown word",
};

export const State = ({ state }: { readonly state: IncidentState }) => (
  <span class={`state ${state}`}>
    <Mark shape={state} />
    {words[state]}
  </span>
);
