// A dialog in front of the page, from the moment it is drawn until it is closed.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface ModalProps {
  /** Of the page's ids, for its title. */
  readonly titleId: string;
  readonly title: ComponentChildren;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

export function Modal({ titleId, title, close, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={close}>
      <h2 id={titleId}>{title}</h2>
      {children}
      <form method="dialog" class="section">
        <button class="button" type="submit">
          Close
        </button>
      </form>
    </dialog>
  );
}
