// Whether a regular expression of a client's could take time without end on a short text. Errs on the side of yes.
// Reads the expression once from left to right, since this too must not take long. Pure.

/** Each more multiplies the time by the text's length. */
const mostRepeats = 3;
/** Each more doubles the time. */
const mostChoices = 10;

interface Group {
  /** Anything within it may match in more than one way. */
  varies: boolean;
  chooses: boolean;
}

/** True where a group that repeats or chooses is itself repeated, and where more repeat or choose than a few. */
export function couldTakeLong(regex: string): boolean {
  const open: Group[] = [{ varies: false, chooses: false }];
  let repeats = 0;
  let choices = 0;
  let closed: Group | undefined;
  for (let at = 0; at < regex.length && repeats <= mostRepeats && choices <= mostChoices; at++) {
    const sign = regex[at] ?? "";
    const group = open.at(-1);
    if (group === undefined) return true;
    if ("*+{".includes(sign)) {
      if (closed?.varies === true) return true;
      if (sign !== "{" || !isFixed(regex, at)) repeats++;
      group.varies = true;
      closed = undefined;
      // A question mark behind it makes it lazy, no choice.
      if (regex[at + 1] === "?") at++;
      continue;
    }
    closed = undefined;
    if (sign === "\\") at++;
    else if (sign === "[") at = endOfClass(regex, at);
    else if (sign === "(") {
      open.push({ varies: false, chooses: false });
      if (regex[at + 1] === "?") at++;
    } else if (sign === ")") {
      closed = open.pop();
      const outer = open.at(-1);
      if (outer !== undefined && closed?.varies === true) outer.varies = true;
    } else if (sign === "?") {
      choices++;
      group.varies = true;
    } else if (sign === "|") {
      // Many alternatives of one group are one choice.
      if (!group.chooses) choices++;
      group.varies = true;
      group.chooses = true;
    }
  }
  return repeats > mostRepeats || choices > mostChoices;
}

// `{2}` repeats in one way only.
function isFixed(regex: string, at: number): boolean {
  return /^\{\d{1,9}\}/.test(regex.slice(at, at + 12));
}

function endOfClass(regex: string, at: number): number {
  let next = at + 1;
  while (next < regex.length && regex[next] !== "]") next += regex[next] === "\\" ? 2 : 1;
  return next;
}
