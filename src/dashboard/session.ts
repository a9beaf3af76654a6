// The session of this page, and the projects that it may show.

import { signal } from "@preact/signals";
import type { ProjectAnswer } from "../answers/registry.ts";
import type { SessionAnswer } from "../answers/session.ts";
import { address, replaceWith } from "./address-bar.ts";
import { ask, onSignedOut, type Problem } from "./ask.ts";

type SignedIn =
  | { readonly tag: "asking" }
  | { readonly tag: "out" }
  | { readonly tag: "in"; readonly session: SessionAnswer };

export const signedIn = signal<SignedIn>({ tag: "asking" });
export const projects = signal<readonly ProjectAnswer[]>([]);

onSignedOut(() => {
  signedIn.value = { tag: "out" };
});

/** Once, when the page opens: a link's token, or the cookie that the browser has kept. */
export async function openSession(): Promise<void> {
  const token = location.pathname === "/sign-in" ? location.hash.slice(1) : "";
  // Out of the address bar and the history before anything else.
  if (token !== "") replaceWith("/");
  if (token !== "" && (await signIn({ link: token })) === undefined) return;
  const found = await ask<SessionAnswer>("GET", "/api/session");
  if (found.ok) await enter(found.value);
  else signedIn.value = { tag: "out" };
}

/** The problem, where signing in fails. */
export async function signIn(by: { key: string } | { link: string }): Promise<Problem | undefined> {
  const found = await ask<SessionAnswer>("POST", "/api/session", { body: by });
  if (!found.ok) return found.problem;
  await enter(found.value);
  return undefined;
}

export async function signOut(): Promise<void> {
  await ask("DELETE", "/api/session");
  projects.value = [];
  signedIn.value = { tag: "out" };
  replaceWith("/");
}

export async function loadProjects(session: SessionAnswer): Promise<void> {
  if (session.role === "project") {
    const own = await ask<ProjectAnswer>("GET", `/api/projects/${session.project_uuid}`);
    projects.value = own.ok ? [own.value] : [];
    return;
  }
  const all = await ask<{ items: readonly ProjectAnswer[] }>("GET", "/api/projects?limit=500");
  projects.value = all.ok ? all.value.items : [];
}

const lastProject = "incident-ledger:project";

async function enter(session: SessionAnswer): Promise<void> {
  await loadProjects(session);
  const known = (uuid: string | null | undefined): boolean =>
    projects.value.some(({ project_uuid }) => project_uuid === uuid);
  const remembered = localStorage.getItem(lastProject);
  if (!known(address.value.project)) {
    const chosen = known(remembered) ? remembered : projects.value[0]?.project_uuid;
    replaceWith(chosen === undefined || chosen === null ? "/" : `/p/${chosen}/now`);
  }
  signedIn.value = { tag: "in", session };
}

export function rememberProject(uuid: string): void {
  localStorage.setItem(lastProject, uuid);
}
