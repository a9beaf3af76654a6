// TypeBox schemas as OpenAPI 3.0 has them, and the examples that their fields add up to. Knows no route.

import type { TSchema } from "@sinclair/typebox";

/** Plain JSON Schema, without what TypeBox keeps for itself; `examples` become OpenAPI 3.0's `example`. */
export function openApiSchema(schema: TSchema): object {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const { examples, ...rest } = value as Record<string, unknown> & { examples?: unknown };
    const one = Array.isArray(examples) && examples.length > 0 ? { example: examples[0] } : {};
    return withNullable({ ...rest, ...one });
  }) as object;
}

/** OpenAPI 3.0's own ways: `nullable` beside a type, `enum` for `const`, `additionalProperties` for any name. */
function withNullable(schema: Record<string, unknown>): object {
  const { const: constant, patternProperties, ...rest } = schema;
  const [anyName] = Object.values(patternProperties ?? {});
  const open = anyName === undefined ? rest : { ...rest, additionalProperties: anyName };
  const named = constant === undefined ? open : { ...open, enum: [constant] };
  const { anyOf: choices, ...others } = named as { anyOf?: { type?: unknown; enum?: unknown[] }[] };
  if (choices === undefined) return named;
  if (choices.every((choice) => choice.enum?.length === 1)) {
    return { ...others, type: "string", enum: choices.flatMap((choice) => choice.enum ?? []) };
  }
  const other = choices.find((choice) => choice.type !== "null");
  if (choices.length !== 2 || other === undefined || !choices.some((choice) => choice.type === "null"))
    return named;
  const words = other.enum === undefined ? {} : { enum: [...other.enum, null] };
  return { ...other, ...others, ...words, nullable: true };
}

/**
 * The example that a schema's own fields add up to; undefined where it has none. A choice is shown by its first that has
 * one, so that a field which may be null and has no example is null. An optional field without one is left out; for a
 * required one that is an error.
 */
export function exampleOf(schema: TSchema): unknown {
  if (schema.examples !== undefined) return (schema.examples as unknown[])[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.type === "null") return null;
  if (schema.anyOf !== undefined) {
    return (schema.anyOf as TSchema[]).map(exampleOf).find((example) => example !== undefined);
  }
  if (schema.type === "array") return [exampleOf(schema.items as TSchema)];
  if (schema.properties === undefined) return undefined;
  const fields = Object.entries(schema.properties as Record<string, TSchema>);
  const shown = fields.map(([name, field]) => [name, exampleOf(field)] as const);
  for (const [name, example] of shown) {
    if (example === undefined && (schema.required as string[]).includes(name)) {
      throw new Error(`The field ${name} needs an example: give its schema one.`);
    }
  }
  return Object.fromEntries(shown.filter(([, example]) => example !== undefined));
}
