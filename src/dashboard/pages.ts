// Every page of the dashboard. To add one: write `pages/NAME.tsx`, export a `DashboardPage` from it, and add it to the
// table below. The menu, the shortcut (`g` and its key) and the address (/p/PROJECT/NAME/DETAIL) come from here. A page asks
// the API with `useAnswer`, which also keeps it live, changes things with `ask`, shows what senders wrote with `Sent`, and
// links with `addressText`. Add it to `places` in test/dashboard/dashboard.test.ts: axe and the pictures then see it.

import type { ComponentType } from "preact";
import { incidentsPage } from "./pages/incidents.tsx";
import { nowPage } from "./pages/now.tsx";

export interface PageProps {
  readonly project: string;
  /** The part of the address behind the page's name. */
  readonly detail: string | undefined;
  readonly query: Readonly<Record<string, string>>;
}

export interface DashboardPage {
  /** In the address and the file's name. */
  readonly name: string;
  readonly title: string;
  /** The one question that it answers. */
  readonly asks: string;
  /** Goes there after `g`. */
  readonly key: string;
  readonly view: ComponentType<PageProps>;
}

export const pages: readonly DashboardPage[] = [nowPage, incidentsPage];
