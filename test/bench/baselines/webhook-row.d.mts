export declare const createText: (table: string) => string;
