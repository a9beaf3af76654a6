// Collects what a batch changes in one table, the last word on each key winning.

import type { Row, Table, TableChanges } from "./table.ts";

export class TableDraft implements TableChanges {
  readonly #table: Table;
  readonly #rows = new Map<string, Row>();
  readonly #removed = new Map<string, Row>();

  constructor(table: Table) {
    this.#table = table;
  }

  put(row: Row): void {
    const key = this.#keyOf(row);
    this.#removed.delete(key);
    this.#rows.set(key, row);
  }

  remove(key: Row): void {
    const text = this.#keyOf(key);
    this.#rows.delete(text);
    this.#removed.set(text, key);
  }

  removeUnlessPut(key: Row): void {
    if (!this.#rows.has(this.#keyOf(key))) this.remove(key);
  }

  get rows(): readonly Row[] {
    return [...this.#rows.values()];
  }

  get removed(): readonly Row[] {
    return [...this.#removed.values()];
  }

  #keyOf(row: Row): string {
    let key = "";
    for (const column of this.#table.key) key += `${row[column]} `;
    return key;
  }
}
