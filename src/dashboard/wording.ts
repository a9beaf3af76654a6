// Durations and times as people read them. Pure.

const units = [
  { seconds: 86_400, name: "d" },
  { seconds: 3_600, name: "h" },
  { seconds: 60, name: "m" },
  { seconds: 1, name: "s" },
] as const;

/** `1 h 04 m`: the two largest units, rounded down. Under a second: `0.35 s`. */
export function durationText(seconds: number): string {
  if (seconds < 1) return seconds <= 0 ? "0 s" : `${Math.max(0.01, Math.round(seconds * 100) / 100)} s`;
  const first = units.findIndex((unit) => seconds >= unit.seconds);
  const large = units[first];
  const small = units[first + 1];
  if (large === undefined) return "0 s";
  const count = Math.floor(seconds / large.seconds);
  if (small === undefined) return `${count} ${large.name}`;
  const rest = Math.floor((seconds - count * large.seconds) / small.seconds);
  return rest === 0
    ? `${count} ${large.name}`
    : `${count} ${large.name} ${String(rest).padStart(2, "0")} ${small.name}`;
}

export const secondsBetween = (from: string, to: string | number): number =>
  Math.max(0, ((typeof to === "number" ? to : Date.parse(to)) - Date.parse(from)) / 1_000);

export const countText = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

const sameYear = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});
const anyYear = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});

/** In UTC, as everything here; the year only where it is another. */
export function timeText(rfc3339: string, nowMs: number): string {
  const time = new Date(rfc3339);
  const isThisYear = time.getUTCFullYear() === new Date(nowMs).getUTCFullYear();
  return (isThisYear ? sameYear : anyYear).format(time);
}
