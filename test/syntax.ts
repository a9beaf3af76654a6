// What the rules of the house ask of a file's syntax: how long its functions are, which types it exports, and whether it
// puts SQL together. Made with a parser: what only looks like it in a comment or a text is none.

import { parseSync } from "oxc-parser";

export interface Syntax {
  /** Each function with its name; one without has its surrounding's. */
  readonly functions: readonly { readonly name: string; readonly lines: number }[];
  readonly exportedTypes: readonly string[];
  /** Whether a text that is no constant is run as SQL, or what runs texts is handed on. */
  readonly makesSql: boolean;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export function syntaxOf(file: { readonly path: string; readonly text: string }): Syntax {
  const { program, errors } = parseSync(file.path, file.text);
  if (errors.length > 0) throw new Error(`${file.path} cannot be parsed: ${errors[0]?.message}`);
  const functions: { name: string; lines: number }[] = [];
  const exportedTypes: string[] = [];
  const constants = constantsOf(program as unknown as Node);
  let makesSql = false;

  const visit = (node: Node, surrounding: string): void => {
    const name = nameOf(node) ?? surrounding;
    if (/^(Function(Declaration|Expression)|ArrowFunctionExpression)$/.test(node.type))
      functions.push({ name, lines: file.text.slice(node.start, node.end).split("\n").length });
    const declared = node.type === "ExportNamedDeclaration" ? childOf(node, "declaration") : undefined;
    if (declared !== undefined && /^TS(Interface|TypeAlias)Declaration$/.test(declared.type))
      exportedTypes.push(nameOf(declared) ?? "");
    if (isUnsafe(node) || isUnsafeCall(node)) makesSql ||= !isConstantCall(node, constants);
    // The callee of a call that has been looked at is no hand-over.
    const skipped = isUnsafeCall(node) ? childOf(node, "callee") : undefined;
    for (const child of childrenOf(node)) if (child !== skipped) visit(child, name);
  };
  visit(program as unknown as Node, "");
  return { functions, exportedTypes, makesSql };
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string";

const childOf = (node: Node, field: string): Node | undefined => {
  const child = node[field];
  return isNode(child) ? child : undefined;
};

const childrenOf = (node: Node): readonly Node[] =>
  Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);

function nameOf(node: Node): string | undefined {
  const id = childOf(node, "id") ?? (node.computed === true ? undefined : childOf(node, "key"));
  return typeof id?.name === "string" ? id.name : undefined;
}

/** `something.unsafe`, or `{ unsafe }` taken from something. */
const isUnsafe = (node: Node): boolean =>
  (node.type === "MemberExpression" && childOf(node, "property")?.name === "unsafe") ||
  (node.type === "Property" && childOf(node, "key")?.name === "unsafe");

const isUnsafeCall = (node: Node): boolean => {
  const callee = node.type === "CallExpression" ? childOf(node, "callee") : undefined;
  return callee !== undefined && isUnsafe(callee);
};

function isConstantCall(node: Node, constants: ReadonlyMap<string, Node>): boolean {
  const [text] = (node.arguments as readonly Node[] | undefined) ?? [];
  return text !== undefined && isConstant(text, constants);
}

/** A literal, literals joined, or the name of such a constant of this file. */
function isConstant(node: Node, constants: ReadonlyMap<string, Node>): boolean {
  const are = (field: string): boolean =>
    (node[field] as readonly Node[]).every((one) => isConstant(one, constants));
  switch (node.type) {
    case "Literal":
      return true;
    case "TemplateLiteral":
      return are("expressions");
    case "ArrayExpression":
      return are("elements");
    case "BinaryExpression":
      return [childOf(node, "left"), childOf(node, "right")].every(
        (side) => side !== undefined && isConstant(side, constants),
      );
    case "CallExpression": {
      const callee = childOf(node, "callee");
      const joined = callee && childOf(callee, "object");
      return callee?.type === "MemberExpression" && childOf(callee, "property")?.name === "join"
        ? joined !== undefined && isConstant(joined, constants) && are("arguments")
        : false;
    }
    case "Identifier": {
      const constant = constants.get(String(node.name));
      return constant !== undefined && isConstant(constant, constants);
    }
    default:
      return false;
  }
}

/** The file's own constants. That a function hides one behind a name of its own is not seen. */
function constantsOf(program: Node): ReadonlyMap<string, Node> {
  const constants = new Map<string, Node>();
  for (const statement of program.body as readonly Node[]) {
    if (statement.type !== "VariableDeclaration" || statement.kind !== "const") continue;
    for (const one of statement.declarations as readonly Node[]) {
      const init = childOf(one, "init");
      if (init !== undefined) constants.set(nameOf(one) ?? "", init);
    }
  }
  return constants;
}
