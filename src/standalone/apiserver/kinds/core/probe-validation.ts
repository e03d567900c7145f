import { headerName, portName } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

const PROBE_HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'];
const HOOK_HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'sleep'];
const COUNTS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
];

export function checkProbe(found: Findings, probe: Place): void {
  if (!probe.present) return;
  checkHandler(found, probe, PROBE_HANDLERS);
  for (const name of COUNTS) found.notNegative(probe.child(name));
  const grace = probe.child('terminationGracePeriodSeconds');
  if (grace.present && grace.number <= 0) found.invalid(grace, 'must be greater than 0');
}

/** `grace`: seconds that the pod has to end, which a sleep may not outlast. */
export function checkLifecycle(found: Findings, lifecycle: Place, grace: number): void {
  for (const name of ['postStart', 'preStop']) {
    const hook = lifecycle.child(name);
    if (!hook.present) continue;
    checkHandler(found, hook, HOOK_HANDLERS);
    const sleep = hook.child('sleep');
    const seconds = sleep.child('seconds').number;
    if (!sleep.present || (seconds >= 0 && seconds <= grace)) continue;
    const detail = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`;
    found.invalid(sleep, detail, seconds);
  }
}

/** Exactly one way to act. */
function checkHandler(found: Findings, handler: Place, kinds: readonly string[]): void {
  const given = kinds.map(name => handler.child(name)).filter(place => place.present);
  if (given.length === 0) found.required(handler, 'must specify a handler type');
  for (const extra of given.slice(1)) found.forbidden(extra, 'may not specify more than 1 handler type');
  if (handler.child('exec').present && handler.child('exec').child('command').list.length === 0) {
    found.required(handler.child('exec').child('command'));
  }
  checkHttp(found, handler.child('httpGet'));
  if (handler.child('tcpSocket').present) checkPort(found, handler.child('tcpSocket').child('port'));
  if (handler.child('grpc').present) found.port(handler.child('grpc').child('port'));
}

function checkHttp(found: Findings, get: Place): void {
  if (!get.present) return;
  if (get.child('path').text === '') found.required(get.child('path'));
  checkPort(found, get.child('port'));
  const scheme = get.child('scheme');
  if (scheme.text !== 'HTTP' && scheme.text !== 'HTTPS') found.notSupported(scheme, ['HTTP', 'HTTPS']);
  const headers = get.child('httpHeaders');
  for (const { text } of headers.items().map(header => header.child('name'))) {
    for (const complaint of headerName(text)) found.invalid(headers, complaint, text); // upstream names the list
  }
}

/** A port by number or by the name of a container's port. */
export function checkPort(found: Findings, port: Place): void {
  if (typeof port.value === 'string') found.complaints(port, portName);
  else found.port(port);
}
