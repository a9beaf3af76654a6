// Notices in the place of an answer: it is empty, or it failed.

import type { ComponentChildren } from "preact";
import type { Problem } from "../ask.ts";

export const Empty = (props: { readonly title: string; readonly children?: ComponentChildren }) => (
  <div class="empty">
    <strong>{props.title}</strong>
    {props.children === undefined ? null : <p>{props.children}</p>}
  </div>
);

export const Trouble = ({ problem }: { readonly problem: Problem | undefined }) =>
  problem === undefined ? null : (
    <p class="problem" role="alert">
      <strong>{problem.error}.</strong> {problem.details}
    </p>
  );
