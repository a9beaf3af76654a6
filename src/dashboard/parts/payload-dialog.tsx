// A webhook's payload, verbatim, as it lies in the event store. Text and nothing else.

import { useEffect, useState } from "preact/hooks";
import type { TimelineItem } from "../../answers/incidents.ts";
import { findEvent } from "../replay.ts";
import { Modal } from "./modal.tsx";
import { Sent } from "./texts.tsx";

interface PayloadDialogProps {
  /** The incident's in the API. */
  readonly path: string;
  readonly record: TimelineItem;
  readonly close: () => void;
}

export function PayloadDialog({ path, record, close }: PayloadDialogProps) {
  const [text, setText] = useState("Reading it from the event store …");
  useEffect(() => {
    const over = new AbortController();
    findEvent(`${path}/replay`, record.event_id, over.signal).then((event) => {
      if (over.signal.aborted) return;
      const payload = event?.data.payload;
      setText(payload ?? "The event cannot be read at this moment. Close this and try again.");
    });
    return () => over.abort();
  }, [path, record.event_id]);
  return (
    <Modal
      titleId="payload-title"
      close={close}
      title={
        <>
          <Sent text={record.status} /> at {record.incident_time}
        </>
      }
    >
      <p class="soft">
        Event <code>{record.event_id}</code> at position <code>{record.position}</code>, from {record.source}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by the keyboard. */}
      <pre class="payload" tabIndex={0}>
        {text}
      </pre>
    </Modal>
  );
}
