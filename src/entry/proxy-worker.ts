/** One worker of a Gateway's proxy, started by entry/proxy.ts. */
import { runWorker } from '../gateway/proxy/worker/process.ts';

if (import.meta.main) runWorker();
