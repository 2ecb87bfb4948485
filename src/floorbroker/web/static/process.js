// The virtualiser asks a bundler's variable whether this is production. There is no bundler here; it is.
globalThis.process ??= { env: { NODE_ENV: "production" } };
