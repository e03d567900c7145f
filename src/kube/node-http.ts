import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * Node's own HTTP modules, for processes that live long. An `import` of them reads every export, and one of these is a
 * WebSocket client that is loaded when it is looked at: 3 MB and 35 ms for each process. `require` looks at nothing.
 */
export const http = require('node:http') as typeof import('node:http');
export const https = require('node:https') as typeof import('node:https');
