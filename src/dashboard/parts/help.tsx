// The keyboard's help.

import { isHelpOpen } from "../keys.ts";
import { pages } from "../pages.ts";
import { Modal } from "./modal.tsx";

export function Help() {
  if (!isHelpOpen.value) return null;
  const rows: readonly (readonly [string, string])[] = [
    ...pages.map(({ key, title }) => [`g ${key}`, title] as const),
    ["j k", "The next row, the one before"],
    ["Enter", "Open the row"],
    ["/", "Look for something"],
    ["?", "This help"],
  ];
  return (
    <Modal
      titleId="help-title"
      title="Keyboard"
      close={() => {
        isHelpOpen.value = false;
      }}
    >
      <dl class="keys">
        {rows.map(([key, what]) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
    </Modal>
  );
}
