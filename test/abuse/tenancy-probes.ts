// What a key of one project can ask about another: for every route that is documented, with each id of the other project
// and with ids that nobody has. Knows no server: it makes requests and says which must be answered alike.

import type { Route } from "./whole-side.ts";

/** Ids by the name that they have in paths. */
export type Ids = Readonly<Record<"project" | "incident" | "key" | "quarantine" | "repository", string>>;

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

export interface Probe {
  readonly name: string;
  /** With the other project's ids. */
  readonly foreign: Asked;
  /** The same with ids that nobody has. */
  readonly unknown: Asked;
}

// A position is nobody's: only the admin names one.
const known = ["project", "incident", "key", "quarantine", "source", "position"];

/** Throws for a path parameter that is new: somebody has to say what a foreign one is. */
export function tenancyProbes(
  routes: readonly Route[],
  ids: { readonly own: Ids; readonly foreign: Ids; readonly unknown: Ids },
): readonly Probe[] {
  const { own, foreign, unknown } = ids;
  const ask = (route: Route, parts: Ids): Asked => ({
    method: route.method,
    path: route.path({ ...parts, incident: encodeURIComponent(parts.incident), source: "alertmanager" }),
    ...(route.body === undefined ? {} : { body: route.body }),
  });
  return routes
    .filter(({ access }) => access !== "open")
    .flatMap((route) => {
      const name = `${route.method} ${route.template}`;
      const names = [...route.template.matchAll(/\{(\w+)\}/g)].map(([, part = ""]) => part);
      const news = names.filter((part) => !known.includes(part));
      if (news.length > 0) throw new Error(`${name}: what is another project's ${news.join(", ")}?`);
      const whole = names.includes("project")
        ? [{ name, foreign: ask(route, foreign), unknown: ask(route, unknown) }]
        : [];
      const within = names
        .filter((part) => part !== "project" && part !== "source" && names.includes("project"))
        .map((part) => ({
          name: `${name}, own project, another's ${part}`,
          foreign: ask(route, { ...own, [part]: foreign[part as keyof Ids] }),
          unknown: ask(route, { ...own, [part]: unknown[part as keyof Ids] }),
        }));
      return [...whole, ...within, ...inBodyOrQuery(route, name, ids)];
    });
}

/** The two webhooks name projects and repositories elsewhere than in their paths. */
function inBodyOrQuery(
  route: Route,
  name: string,
  { own, foreign, unknown }: { readonly own: Ids; readonly foreign: Ids; readonly unknown: Ids },
): readonly Probe[] {
  if (route.template === "/api/incidents/webhook") {
    const webhook = (project: string, more: object): Asked => ({
      method: route.method,
      path: route.template,
      body: {
        incident_id: "i",
        project_uuid: project,
        status: "DOWN",
        incident_time: "2025-01-15T10:30:00Z",
        ...more,
      },
    });
    const repository = ({ repository }: Ids): object => ({ repo_uuid: repository });
    return [
      { name, foreign: webhook(foreign.project, {}), unknown: webhook(unknown.project, {}) },
      {
        name: `${name}, Uptime Kuma's test`,
        foreign: webhook(foreign.project, { incident_id: "", monitor_name: "", message: "a Testing" }),
        unknown: webhook(unknown.project, { incident_id: "", monitor_name: "", message: "a Testing" }),
      },
      {
        name: `${name}, own project, another's repository`,
        foreign: webhook(own.project, repository(foreign)),
        unknown: webhook(own.project, repository(unknown)),
      },
    ];
  }
  if (route.template !== "/api/incidents/webhook/{source}") return [];
  const native = ({ repository }: Ids): Asked => ({
    method: route.method,
    path: `/api/incidents/webhook/alertmanager?repo_uuid=${repository}`,
    ...(route.method === "GET" ? {} : { body: {} }),
  });
  return [{ name: `${name}, another's repository`, foreign: native(foreign), unknown: native(unknown) }];
}
