/**
 * Loaded into each process of a test file: when its tests are over and something is still open (a server, a child), it
 * says what and fails, instead of holding up the whole run.
 */
import { after } from 'node:test';

const graceMilliseconds = 20_000;

after(() => {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().filter(name => name !== 'Timeout');
    process.stderr.write(`The tests are over, and this is still open: ${open.join(', ')}\n`);
    process.exit(1);
  }, graceMilliseconds).unref();
});
