/** The thread of a process that waits for the kernel, so that the main thread never does. */
import { parentPort } from 'node:worker_threads';
import { serveCalls } from '../kernel/worker/serve.ts';

if (parentPort !== null) serveCalls(parentPort);
