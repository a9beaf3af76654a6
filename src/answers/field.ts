// What the schemas of answers are made of. Their types and their documentation come from them alone, examples included:
// a field that is added to a schema is added everywhere.

import {
  type Static,
  type TObject,
  type TProperties,
  type TSchema,
  type TUnsafe,
  Type as t,
} from "@sinclair/typebox";

type Immutable<T> = T extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: Immutable<T[Name]> }
    : T;

/** The type of what a schema describes. */
export type Of<Schema extends TSchema> = Immutable<Static<Schema>>;

/** An object with these fields and no other. */
export const answerObject = <Fields extends TProperties>(
  fields: Fields,
  options: { readonly description?: string } = {},
): TObject<Fields> => t.Object(fields, { ...options, additionalProperties: false });

export const orNull = <T extends TSchema>(schema: T) => t.Union([schema, t.Null()]);

/** One of these words. */
export const oneOf = <const Words extends readonly string[]>(
  words: Words,
  options: { readonly description?: string; readonly examples?: readonly Words[number][] } = {},
) =>
  t.Union(
    words.map((word) => t.Literal(word)),
    options,
  ) as unknown as TUnsafe<Words[number]>;

export const text = (example: string, description?: string) =>
  t.String({ examples: [example], ...(description === undefined ? {} : { description }) });

/** Text that is null in the example. */
export const noText = (description?: string) =>
  orNull(t.String(description === undefined ? {} : { description }));

/** A time that is null in the example. */
export const noTime = (description: string) => orNull(t.String({ ...rfc3339, description }));

/** A uuid that is null in the example. */
export const noUuid = () => orNull(t.String({ format: "uuid" }));

export const uuid = (example: string, description?: string) =>
  t.String({ format: "uuid", examples: [example], ...(description === undefined ? {} : { description }) });

const rfc3339 = {
  format: "date-time",
  pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$",
};

/** RFC 3339 in UTC, with milliseconds. */
export const time = (example: string, description?: string) =>
  t.String({
    ...rfc3339,
    examples: [example],
    ...(description === undefined ? {} : { description }),
  });

/** A commit position, which is larger than JSON's numbers are exact. */
export const position = (example: string, description?: string) =>
  t.String({
    pattern: "^\\d{1,20}$",
    examples: [example],
    ...(description === undefined ? {} : { description }),
  });

export const count = (example: number, description?: string) =>
  t.Integer({ minimum: 0, examples: [example], ...(description === undefined ? {} : { description }) });

export const seconds = (example: number, description?: string) =>
  t.Number({ minimum: 0, examples: [example], ...(description === undefined ? {} : { description }) });

const pageEnd = t.Object({
  next_cursor: orNull(t.String({ description: "The next page's cursor; null at the end" })),
});

/** One page of a list. */
export const pageOf = <Item extends TSchema>(item: Item) =>
  answerObject({ items: t.Array(item), ...pageEnd.properties });

export type Page<Item> = { readonly items: readonly Item[] } & Of<typeof pageEnd>;
