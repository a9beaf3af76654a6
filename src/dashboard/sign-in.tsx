// Signing in: the key goes to the service once and comes back as a cookie that no script can read.

import { useState } from "preact/hooks";
import type { Problem } from "./ask.ts";
import { Brand } from "./parts/brand.tsx";
import { signIn } from "./session.ts";

export function SignIn() {
  const [problem, setProblem] = useState<Problem>();
  const [isAsking, setAsking] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const key = String(new FormData(form).get("key") ?? "").trim();
    if (key === "") return;
    setAsking(true);
    setProblem(await signIn({ key }));
    setAsking(false);
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <Brand />
        <h1>Sign in</h1>
        <label class="field">
          API key
          <input
            name="key"
            type="password"
            autocomplete="current-password"
            spellcheck={false}
            aria-describedby="key-help"
            aria-invalid={problem !== undefined}
            required
          />
          <small id="key-help">
            The admin key, or a project’s key that may read. The first start printed the admin key and says
            where it is kept.
          </small>
        </label>
        {problem === undefined ? null : (
          <p class="problem" role="alert">
            <strong>{problem.error}.</strong> {problem.details}
          </p>
        )}
        <button class="button main" type="submit" disabled={isAsking}>
          Sign in
        </button>
        <p class="soft">
          No key is kept in this browser. The <a href="/swagger">API</a> takes the same keys.
        </p>
      </form>
    </main>
  );
}
