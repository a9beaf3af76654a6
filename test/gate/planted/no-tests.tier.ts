// A planned file without any test.

export {};
