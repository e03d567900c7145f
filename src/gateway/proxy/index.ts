/** The L7 data plane: a supervisor that holds sockets and table, and workers that answer by them. */
export { startControlServer } from './supervisor/control-server.ts';
export { startHealthServer } from './supervisor/health-server.ts';
export { Supervisor } from './supervisor/supervisor.ts';
