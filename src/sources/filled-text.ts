// Template variables that the tool did not fill in stand for nothing: they are absent, never an id. Knows no tool.

const unfilled =
  /^\s*(\{[A-Za-z][\w.]*\}|\{\{.*\}\}|\$\{?[A-Za-z][\w.]*\}?\$?|\*[A-Za-z]+\*|%[A-Za-z]+%|<no value>)\s*$/;

/** The text, or undefined where the whole of it is a variable's name as a template writes it. */
export const filled = (text: string | undefined): string | undefined =>
  text !== undefined && unfilled.test(text) ? undefined : text;

/** Whether the value is such a name. */
export const isUnfilled = (value: unknown): boolean => typeof value === "string" && unfilled.test(value);
