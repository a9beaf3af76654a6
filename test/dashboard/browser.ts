// A real browser on a real service: Debian's Chromium, driven from this process, with a project that has something to show.
// Every page that it opens counts what the browser itself complains of.

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { adminKey, type RunningService, removeDataDir, startService } from "../running-service.ts";

export interface OpenBrowser {
  readonly service: RunningService;
  readonly browser: Browser;
  readonly context: (options?: Parameters<Browser["newContext"]>[0]) => Promise<BrowserContext>;
  readonly close: () => Promise<void>;
}

export async function openBrowser(service?: RunningService): Promise<OpenBrowser> {
  const started = service ?? (await startService());
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // As root, Chromium has no sandbox; it loads the service's own pages here.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  return {
    service: started,
    browser,
    context: (options = {}) =>
      browser.newContext({ baseURL: started.url, reducedMotion: "reduce", ...options }),
    close: async () => {
      await browser.close();
      await started.stop();
      await removeDataDir(started.dataDir);
    },
  };
}

/** `complain` hears of violations of the content security policy, uncaught errors, and errors in the console. */
export async function watchedPage(
  context: BrowserContext,
  complain: (complaint: string) => void,
): Promise<Page> {
  const page = await context.newPage();
  page.on("pageerror", (error) => complain(String(error)));
  page.on("console", (message) => {
    // An answer that says no is the page's business, and shown by it.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text()))
      complain(message.text());
  });
  await page.addInitScript(() => {
    globalThis.addEventListener("securitypolicyviolation", (event) => {
      const { violatedDirective, blockedURI } = event as Event & Record<string, unknown>;
      console.error(`CSP: ${violatedDirective} ${blockedURI}`);
    });
  });
  return page;
}

/** Types the key into the form, as a person would, and waits for the first page. */
export async function signIn(page: Page, key = adminKey): Promise<void> {
  await page.goto("/");
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

export interface Sent {
  readonly incident_id: string;
  readonly status: string;
  readonly minutesAgo: number;
  readonly monitor_name?: string;
  readonly monitor_id?: string;
  readonly message?: string;
}

/** Through the contract's route, each at its time before now; resolves once queries show the last. */
export async function send(
  service: RunningService,
  { project, key }: { readonly project: string; readonly key: string },
  webhooks: readonly Sent[],
): Promise<void> {
  let position = "0";
  for (const { minutesAgo, ...rest } of webhooks) {
    const answer = await service.post("/api/incidents/webhook", key, {
      ...rest,
      project_uuid: project,
      incident_time: new Date(Date.now() - minutesAgo * 60_000).toISOString(),
    });
    if (answer.status !== 200) throw new Error(`The webhook was answered ${answer.status}`);
    position = String(answer.body.position ?? position);
  }
  await service.get(`/api/projects/${project}/incidents?limit=1&min_position=${position}`, adminKey);
}
