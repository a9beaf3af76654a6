// The frame of every page: the project, the menu, the state of the stream, the theme, and the way out.

import { useEffect } from "preact/hooks";
import type { PairItem } from "../answers/incidents.ts";
import type { SessionAnswer } from "../answers/session.ts";
import { addressText, firstPage } from "./address.ts";
import { address, goTo } from "./address-bar.ts";
import { useAnswer } from "./answers.ts";
import { connection, follow } from "./live.ts";
import { type DashboardPage, pages } from "./pages.ts";
import { Brand } from "./parts/brand.tsx";
import { Help } from "./parts/help.tsx";
import { Empty } from "./parts/notices.tsx";
import { projects, rememberProject, signOut } from "./session.ts";
import { nextTheme, theme } from "./theme.ts";
import { countText } from "./wording.ts";

/** So many open outages are counted exactly. */
const mostCounted = 100;

export function Shell({ session }: { readonly session: SessionAnswer }) {
  const { project, page: name, detail, query } = address.value;
  const page = pages.find((one) => one.name === name) ?? pages[0];
  useEffect(() => {
    if (project === undefined) return;
    rememberProject(project);
    return follow(project);
  }, [project]);
  const open = useAnswer<{ items: readonly PairItem[]; next_cursor: string | null }>(
    project === undefined ? undefined : `/api/projects/${project}/pairs?state=open&limit=${mostCounted}`,
  ).value;
  const count = open?.items.length ?? 0;
  const shownCount = open?.next_cursor ? `${mostCounted}+` : String(count);
  useEffect(() => {
    document.title = `${count > 0 ? `(${shownCount}) ` : ""}${page?.title ?? ""} · Incident Ledger`;
    showInIcon(count);
  }, [count, shownCount, page]);
  return (
    <div class="shell">
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="side">
        <Brand />
        {project === undefined ? null : <Picker project={project} />}
        {project === undefined || page === undefined ? null : (
          <Menu current={page} project={project} open={count > 0 ? shownCount : ""} />
        )}
        <Foot session={session} />
      </header>
      <div>
        {connection.value === "away" ? (
          <p class="away" role="status">
            The service is away. This page reconnects by itself; until then it may show old figures.
          </p>
        ) : null}
        <main class="page" id="content" tabIndex={-1}>
          {project === undefined || page === undefined ? (
            <Empty title="There is no project yet">Register one with the API: POST /api/projects.</Empty>
          ) : (
            <>
              {detail === undefined ? <PageHead page={page} /> : null}
              <page.view project={project} detail={detail} query={query} key={`${project} ${page.name}`} />
            </>
          )}
        </main>
      </div>
      <p class="unseen" aria-live="polite">
        {open === undefined ? "" : countText(count, "open outage")}
      </p>
      <Help />
    </div>
  );
}

const PageHead = ({ page }: { readonly page: DashboardPage }) => (
  <div class="page-head">
    <h1>{page.title}</h1>
    <p class="asks">{page.asks}</p>
  </div>
);

const Picker = ({ project }: { readonly project: string }) => (
  <div class="picker">
    <select
      aria-label="Project"
      value={project}
      onChange={(event) => goTo({ project: event.currentTarget.value, page: address.value.page })}
    >
      {projects.value.map(({ project_uuid, name }) => (
        <option key={project_uuid} value={project_uuid}>
          {name}
        </option>
      ))}
    </select>
  </div>
);

function Menu(props: { readonly current: DashboardPage; readonly project: string; readonly open: string }) {
  const { current, project, open } = props;
  return (
    <nav class="menu-nav" aria-label="Pages">
      <ul class="menu">
        {pages.map((page) => (
          <li key={page.name}>
            <a
              href={addressText({ project, page: page.name, detail: undefined, query: {} })}
              {...(page === current ? { "aria-current": "page" as const } : {})}
            >
              {page.title}
              {page.name === firstPage && open !== "" ? (
                <span class="count">
                  {open}
                  <span class="unseen"> open</span>
                </span>
              ) : (
                <span class="kbd" aria-hidden="true">
                  g {page.key}
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const connectionWords = { connecting: "Connecting", live: "Live", away: "Reconnecting" } as const;
const themeWords = { system: "Auto theme", light: "Light", dark: "Dark" } as const;

const Foot = ({ session }: { readonly session: SessionAnswer }) => (
  <div class="side-foot">
    <div class="row">
      <span class="live">
        <svg viewBox="0 0 10 10" aria-hidden="true">
          {connection.value === "live" ? (
            <circle cx="5" cy="5" r="4" fill="var(--recovery)" />
          ) : (
            <circle cx="5" cy="5" r="3.5" fill="none" stroke="var(--open)" stroke-dasharray="2 1.5" />
          )}
        </svg>
        {connectionWords[connection.value]}
      </span>
      <span>UTC</span>
    </div>
    <div class="row">
      <button class="button quiet" type="button" onClick={nextTheme} title="Change the theme">
        {themeWords[theme.value]}
      </button>
      <button class="button quiet" type="button" onClick={() => void signOut()} title={whoText(session)}>
        Sign out
      </button>
    </div>
  </div>
);

const whoText = (session: SessionAnswer): string =>
  session.role === "admin" ? "Signed in with the admin key" : `Signed in with the key “${session.label}”`;

/** The tab's icon is a square, or the open count's diamond. */
function showInIcon(count: number): void {
  const shape =
    count > 0
      ? "<path d='M8 1 15 8 8 15 1 8Z' fill='%23d55e00'/>"
      : "<rect x='2' y='2' width='12' height='12' rx='3' fill='%2364748b'/>";
  const svg = `%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E${shape.replaceAll("<", "%3C").replaceAll(">", "%3E")}%3C/svg%3E`;
  document
    .querySelector<HTMLLinkElement>("link[rel=icon]")
    ?.setAttribute("href", `data:image/svg+xml,${svg}`);
}
