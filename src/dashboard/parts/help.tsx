// The keyboard's help.

import { useEffect, useRef } from "preact/hooks";
import { isHelpOpen } from "../keys.ts";
import { pages } from "../pages.ts";

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = isHelpOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  if (!isOpen) return null;
  const rows: readonly (readonly [string, string])[] = [
    ...pages.map(({ key, title }) => [`g ${key}`, title] as const),
    ["j k", "The next row, the one before"],
    ["Enter", "Open the row"],
    ["/", "Look for something"],
    ["?", "This help"],
  ];
  return (
    <dialog
      ref={dialog}
      aria-labelledby="help-title"
      onClose={() => {
        isHelpOpen.value = false;
      }}
    >
      <h2 id="help-title">Keyboard</h2>
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
      <form method="dialog" class="section">
        <button class="button" type="submit">
          Close
        </button>
      </form>
    </dialog>
  );
}
