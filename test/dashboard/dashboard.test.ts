// The dashboard in a real browser: signing in, news as it comes, filters and the back button, the keyboard, hostile texts,
// what the browser and axe complain of, and a picture of every page.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import type { BrowserContext, Page } from "playwright-core";
import { adminKey, registerProject, startService, waitFor } from "../running-service.ts";
import { type OpenBrowser, openBrowser, send, signIn, watchedPage } from "./browser.ts";
import { hostile, shopWebhooks } from "./scenes.ts";

const pictures = join(import.meta.dirname, "pictures");

let open: OpenBrowser;
let shop: { project: string; key: string };
const contexts: BrowserContext[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  open = await openBrowser();
  shop = await registerProject(open.service);
  await send(open.service, shop, shopWebhooks);
}, 120_000);
afterAll(() => open.close(), 60_000);
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
  expect(complaints.splice(0)).toEqual([]);
});

async function newPage(options: Parameters<OpenBrowser["context"]>[0] = {}): Promise<Page> {
  const context = await open.context(options);
  contexts.push(context);
  const watched = await watchedPage(context, (complaint) => complaints.push(complaint));
  return watched;
}

async function signedInPage(options: Parameters<OpenBrowser["context"]>[0] = {}): Promise<Page> {
  const page = await newPage(options);
  await signIn(page);
  return page;
}

/** Every page, as its address below the project. */
const places = [
  { name: "now", path: "now", shows: "What is broken, since when?" },
  { name: "incidents", path: "incidents", shows: "Which one?" },
  { name: "incident", path: "incidents/checkout-api-0", shows: "Records" },
] as const;

async function visit(
  page: Page,
  project: string,
  { path, shows }: { path: string; shows: string },
): Promise<void> {
  await page.goto(`/p/${project}/${path}`);
  await page.getByText(shows, { exact: true }).first().waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
}

describe("signing in", () => {
  test("takes a key, keeps none, and lets go of it", async () => {
    const page = await newPage();
    await page.goto("/");
    await page.getByLabel("API key").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("Invalid API key").waitFor();
    await signIn(page);
    const kept = await page.evaluate(
      "JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])",
    );
    expect(kept).not.toContain(adminKey);
    expect(kept).not.toContain("ledger_session");
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").waitFor();
    await page.reload();
    await page.getByLabel("API key").waitFor();
  }, 60_000);

  test("with a revoked key ends where it is", async () => {
    const issued = await open.service.json<{ key: string; key_id: string }>(
      "POST",
      `/api/projects/${shop.project}/keys`,
      { key: adminKey, body: { label: "wall", scopes: ["read"] } },
    );
    const page = await newPage();
    await signIn(page, issued.key);
    await page.getByRole("heading", { name: "Now" }).waitFor();
    await open.service.json("DELETE", `/api/projects/${shop.project}/keys/${issued.key_id}`, {
      key: adminKey,
    });
    await page.getByRole("link", { name: "Incidents" }).click();
    await page.getByLabel("API key").waitFor();
  }, 60_000);

  test("by the link of a first start works once", async () => {
    const first = await startService({ env: { ADMIN_API_KEY: "" }, awaits: "welcome" });
    const own = await openBrowser(first);
    try {
      const [link = ""] = /http:\S+\/sign-in#\S+/.exec(first.output()) ?? [];
      const page = await (await own.context()).newPage();
      await page.goto(link);
      await page.getByRole("button", { name: "Sign out" }).waitFor();
      expect(page.url()).not.toContain("#");
      const again = await (await own.context()).newPage();
      await again.goto(link);
      await again.getByLabel("API key").waitFor();
    } finally {
      await own.close();
    }
  }, 120_000);
});

describe("news", () => {
  test("the first webhook of a project is on the screen without a reload, and so is its end", async () => {
    const fresh = await registerProject(open.service);
    const page = await signedInPage();
    await visit(page, fresh.project, places[0]);
    await page.getByText("Nothing is broken").waitFor();
    await page.evaluate("globalThis.isSamePage = true");
    await send(open.service, fresh, [
      { incident_id: "first", status: "DOWN", minutesAgo: 1, monitor_name: "First!" },
    ]);
    await page.getByRole("link", { name: "First!" }).first().waitFor();
    expect(await page.title()).toStartWith("(1) Now");
    await send(open.service, fresh, [
      { incident_id: "first", status: "UP", minutesAgo: 0, monitor_name: "First!" },
    ]);
    await page.getByText("Nothing is broken").waitFor();
    expect(await page.evaluate("globalThis.isSamePage")).toBe(true);
  }, 60_000);

  test("two tabs share one stream, and when one is closed the other goes on", async () => {
    const fresh = await registerProject(open.service);
    const page = await signedInPage();
    let streams = 0;
    page.context().on("request", (request) => {
      // The page that opens after signing in may still ask for the stream of the project that it shows.
      if (request.url().includes(`${fresh.project}/stream`)) streams += 1;
    });
    await visit(page, fresh.project, places[0]);
    const second = await page.context().newPage();
    await visit(second, fresh.project, places[0]);
    expect(streams).toBe(1);
    await page.close();
    await second.getByText("Live", { exact: true }).waitFor();
    await send(open.service, fresh, [{ incident_id: "x", status: "DOWN", minutesAgo: 1 }]);
    await second.getByRole("link", { name: "x" }).first().waitFor();
    expect(streams).toBe(2);
  }, 60_000);
});

describe("finding one's way", () => {
  test("filters are in the address, and the back button takes them back", async () => {
    const page = await signedInPage();
    await visit(page, shop.project, places[1]);
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.waitForURL(/state=open/);
    await page.getByRole("link", { name: "mail-relay-39" }).waitFor();
    expect(await page.getByRole("link", { name: "checkout-api-0" }).count()).toBe(0);
    await page.getByLabel("Monitor id").fill("no-such-monitor");
    await page.keyboard.press("Enter");
    await page.getByText("No incident fits").waitFor();
    await page.reload();
    await page.getByText("No incident fits").waitFor();
    await page.goBack();
    await page.getByRole("link", { name: "mail-relay-39" }).waitFor();
    await page.goBack();
    await page.waitForURL(/incidents$/);
    expect(await page.getByRole("button", { name: "All", exact: true }).getAttribute("aria-pressed")).toBe(
      "true",
    );
  }, 60_000);

  test("the keyboard alone reaches a page, a row, its payload, and comes back", async () => {
    const page = await newPage();
    await page.goto("/");
    await page.getByLabel("API key").focus();
    await page.keyboard.type(adminKey);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    await page.goto(`/p/${shop.project}/now`);
    await page.getByText("What is broken, since when?").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    await page.getByText("Which one?").waitFor();
    await page.locator("[data-row]").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    expect(await page.evaluate("document.activeElement === document.querySelector('[data-row]')")).toBe(true);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Records" }).waitFor();
    const show = page.getByRole("button", { name: /^Show the payload/ }).first();
    for (
      let presses = 0;
      presses < 40 && !(await show.evaluate((it) => it === it.ownerDocument.activeElement));
      presses++
    )
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByText('"incident_id":"mail-relay-39"').waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("Keyboard").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("n");
    await page.getByText("What is broken, since when?").waitFor();
  }, 60_000);
});

test("payloads are text on every page, however hostile", async () => {
  const attacked = await registerProject(open.service);
  await send(
    open.service,
    attacked,
    hostile.map((text, at) => ({
      incident_id: `${at} ${text}`.slice(0, 500),
      status: at % 2 === 0 ? "DOWN" : text.slice(0, 500),
      minutesAgo: 10,
      monitor_name: text,
      monitor_id: text.slice(0, 500),
      message: text,
    })),
  );
  const page = await signedInPage({ viewport: { width: 390, height: 844 } });
  const first = `0 ${hostile[0]}`;
  for (const place of [
    places[0],
    places[1],
    { path: `incidents/${encodeURIComponent(first)}`, shows: "Records" },
  ]) {
    await visit(page, attacked.project, place);
    await page.getByText(hostile[0]).first().waitFor();
    expect(
      await page.evaluate(
        "[typeof globalThis.wasRun, document.querySelectorAll('#app script, #app iframe, #app img').length]",
      ),
    ).toEqual(["undefined", 0]);
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
  }
  await page
    .getByRole("button", { name: /^Show the payload/ })
    .first()
    .click();
  await page.getByRole("dialog").getByText("wasRun").waitFor();
  expect(await page.evaluate("typeof globalThis.wasRun")).toBe("undefined");
}, 60_000);

test("the policy stops what the page itself would do: HTML from text throws", async () => {
  const page = await signedInPage();
  const thrown = await page.evaluate(() => {
    const { document } = globalThis as unknown as { document: { body: { innerHTML: string } } };
    try {
      document.body.innerHTML = "<b>x</b>";
      return "nothing";
    } catch (error) {
      return String(error);
    }
  });
  expect(thrown).toContain("TrustedHTML");
  // The browser tells of the violation that this was: of the sink, and of the policy.
  await waitFor(
    () => complaints.length >= 2,
    5_000,
    () => complaints.join(),
  );
  expect(complaints.splice(0).join()).toContain("CSP: require-trusted-types-for");
}, 60_000);

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing on any page, ${colorScheme}`, async () => {
    const found: unknown[] = [];
    const look = async (page: Page, name: string): Promise<void> => {
      await page.evaluate(axe.source);
      const { violations } = (await page.evaluate("axe.run()")) as {
        violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
      };
      found.push(
        ...violations.map(({ id, nodes }) => [
          name,
          id,
          nodes.map((node) => `${node.html} ${node.failureSummary}`),
        ]),
      );
    };
    for (const width of [390, 1280]) {
      const page = await newPage({ colorScheme, viewport: { width, height: 900 } });
      await page.goto("/");
      await page.getByLabel("API key").waitFor();
      await look(page, "sign-in");
      await signIn(page);
      for (const place of places) {
        await visit(page, shop.project, place);
        await look(page, place.name);
      }
      await page
        .getByRole("button", { name: /^Show the payload/ })
        .first()
        .click();
      await page.getByRole("dialog").getByText("incident_id").waitFor();
      await look(page, "payload");
    }
    expect(found).toEqual([]);
  }, 120_000);

  test(`a picture of every page, ${colorScheme}`, async () => {
    for (const width of [390, 1280, 1920]) {
      const page = await newPage({ colorScheme, viewport: { width, height: width === 390 ? 844 : 1_000 } });
      await page.goto("/");
      await page.getByLabel("API key").waitFor();
      await page.screenshot({ path: join(pictures, `sign-in-${colorScheme}-${width}.png`) });
      await signIn(page);
      for (const place of places) {
        await visit(page, shop.project, place);
        await page.waitForLoadState("domcontentloaded");
        await page.screenshot({ path: join(pictures, `${place.name}-${colorScheme}-${width}.png`) });
        expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      }
    }
  }, 120_000);
}

test("while the service is away the page says so, and it goes on when it is back", async () => {
  const service = await startService();
  const own = await openBrowser(service);
  try {
    const fresh = await registerProject(service);
    const page = await (await own.context()).newPage();
    await signIn(page);
    await visit(page, fresh.project, places[0]);
    const began = Date.now();
    await service.stop();
    expect(Date.now() - began).toBeLessThan(10_000);
    await page.getByText("The service is away").waitFor();
    const back = await startService({ dataDir: service.dataDir, port: service.port });
    await page.getByText("The service is away").waitFor({ state: "detached" });
    await send(back, fresh, [{ incident_id: "after", status: "DOWN", minutesAgo: 1 }]);
    await page.getByRole("link", { name: "after" }).first().waitFor();
    await back.stop();
  } finally {
    await own.close();
  }
}, 120_000);
