// The dashboard in the browser: opens the session, follows the address, and shows the page that it names.

import { render } from "preact";
import { followLinks } from "./address-bar.ts";
import { startClock } from "./clock.ts";
import { listenToKeys } from "./keys.ts";
import { openSession, signedIn } from "./session.ts";
import { Shell } from "./shell.tsx";
import { SignIn } from "./sign-in.tsx";
import { applyTheme } from "./theme.ts";

function Dashboard() {
  switch (signedIn.value.tag) {
    case "asking":
      return null;
    case "out":
      return <SignIn />;
    case "in":
      return <Shell session={signedIn.value.session} />;
    default:
      return signedIn.value satisfies never;
  }
}

applyTheme();
startClock();
listenToKeys();
document.addEventListener("click", followLinks);
void openSession();
const root = document.getElementById("app");
if (root !== null) render(<Dashboard />, root);
