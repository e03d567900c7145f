import type { Table } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf, wideColumn } from '../print/columns.ts';
import { age } from '../print/duration.ts';
import type { Place } from '../validation/place.ts';

export const POD_TABLE: Table = {
  columns: [
    NAME,
    column('Ready', 'Ready containers of all containers.'),
    column('Status', 'What the pod is doing, or why it is not running.'),
    column('Restarts', 'How often its containers were started again, and when last.'),
    AGE,
    wideColumn('IP', 'First address of the pod.'),
    wideColumn('Node', 'Node that it runs on.'),
    wideColumn('Nominated Node', 'Node that makes room for it.'),
    wideColumn('Readiness Gates', 'Passed of all readiness gates.'),
  ],
  cells: (pod, now) => {
    const summary = summarise(pod);
    const { restarts, lastRestart } = summary;
    const since = restarts > 0 && lastRestart !== '' ? ` (${age(lastRestart, now)} ago)` : '';
    const status = pod.child('status');
    return [
      nameOf(pod),
      `${summary.ready}/${summary.containers}`,
      summary.reason,
      `${restarts}${since}`,
      ageOf(pod, now),
      status.child('podIPs').items()[0]?.child('ip').text ?? orNone(status.child('podIP')),
      orNone(pod.child('spec').child('nodeName')),
      orNone(status.child('nominatedNodeName')),
      gatesText(pod),
    ];
  },
};

interface Summary {
  readonly ready: number;
  readonly containers: number;
  readonly reason: string;
  readonly restarts: number;
  /** When a container ended last before it was started again; empty if none did. */
  readonly lastRestart: string;
}

/** What a set of container statuses adds to the pod's line. */
interface Part {
  readonly ready: number;
  readonly reason: string | undefined;
  readonly restarts: number;
  readonly lastRestart: string;
}

function summarise(pod: Place): Summary {
  const status = pod.child('status');
  const phase = status.child('phase').text;
  const gated = conditionOf(status, 'PodScheduled')?.child('reason').text === 'SchedulingGated';
  const plain = gated ? 'SchedulingGated' : status.child('reason').text || phase;
  const sidecars = sidecarNames(pod);
  const containers = pod.child('spec').child('containers').list.length + sidecars.size;

  const init = initPart(pod, sidecars);
  const initialized = conditionOf(status, 'Initialized')?.child('status').text === 'True';
  let summary: Summary;
  if (init.reason !== undefined && !initialized) {
    summary = { ...init, containers, reason: init.reason };
  } else {
    const main = mainPart(status, init.reason ?? plain);
    const sidecar = restartsOf(
      status
        .child('initContainerStatuses')
        .items()
        .filter(item => sidecars.has(item.child('name').text)),
    );
    summary = {
      containers,
      ready: init.ready + main.ready,
      reason: main.reason ?? plain,
      restarts: sidecar.restarts + main.restarts,
      lastRestart: later(sidecar.lastRestart, main.lastRestart),
    };
  }
  if (!pod.child('metadata').child('deletionTimestamp').present) return summary;
  if (status.child('reason').text === 'NodeLost') return { ...summary, reason: 'Unknown' };
  const ended = phase === 'Succeeded' || phase === 'Failed';
  return ended ? summary : { ...summary, reason: 'Terminating' };
}

/** Init containers up to the first that has not done its part; `reason` is set if there is one. */
function initPart(pod: Place, sidecars: ReadonlySet<string>): Part {
  const statuses = pod.child('status').child('initContainerStatuses').items();
  let ready = 0;
  for (const [index, container] of statuses.entries()) {
    const isSidecar = sidecars.has(container.child('name').text);
    const terminated = container.child('state').child('terminated');
    if (terminated.present && terminated.child('exitCode').number === 0) continue;
    if (isSidecar && container.child('started').flag) {
      if (container.child('ready').flag) ready++;
      continue;
    }
    const waiting = container.child('state').child('waiting').child('reason').text;
    const total = pod.child('spec').child('initContainers').list.length;
    const reason = terminated.present
      ? `Init:${endText(terminated)}`
      : waiting !== '' && waiting !== 'PodInitializing'
        ? `Init:${waiting}`
        : `Init:${index}/${total}`;
    return { ready, reason, ...restartsOf(statuses.slice(0, index + 1)) };
  }
  return { ready, reason: undefined, ...restartsOf(statuses) };
}

/** The first container with something to say names the status. */
function mainPart(status: Place, plain: string): Part {
  const statuses = status.child('containerStatuses').items();
  let [reason, ready, running] = [plain, 0, false];
  for (const container of statuses.toReversed()) {
    const state = container.child('state');
    const waiting = state.child('waiting').child('reason').text;
    const terminated = state.child('terminated');
    if (waiting !== '') reason = waiting;
    else if (terminated.present) reason = endText(terminated);
    else if (container.child('ready').flag && state.child('running').present) {
      running = true;
      ready++;
    }
  }
  if (reason === 'Completed' && running) {
    reason = conditionOf(status, 'Ready')?.child('status').text === 'True' ? 'Running' : 'NotReady';
  }
  return { ready, reason, ...restartsOf(statuses) };
}

function endText(terminated: Place): string {
  const reason = terminated.child('reason').text;
  if (reason !== '') return reason;
  const signal = terminated.child('signal').number;
  return signal === 0 ? `ExitCode:${terminated.child('exitCode').number}` : `Signal:${signal}`;
}

function restartsOf(statuses: readonly Place[]): { restarts: number; lastRestart: string } {
  let [restarts, lastRestart] = [0, ''];
  for (const container of statuses) {
    restarts += container.child('restartCount').number;
    lastRestart = later(
      lastRestart,
      container.child('lastState').child('terminated').child('finishedAt').text,
    );
  }
  return { restarts, lastRestart };
}

/** Times are RFC 3339 in UTC with whole seconds: text order is time order. */
const later = (a: string, b: string): string => (a > b ? a : b);

function sidecarNames(pod: Place): ReadonlySet<string> {
  const init = pod.child('spec').child('initContainers').items();
  const sidecars = init.filter(container => container.child('restartPolicy').text === 'Always');
  return new Set(sidecars.map(container => container.child('name').text));
}

function gatesText(pod: Place): string {
  const gates = pod.child('spec').child('readinessGates').items();
  if (gates.length === 0) return '<none>';
  const passed = gates.filter(
    gate =>
      conditionOf(pod.child('status'), gate.child('conditionType').text)?.child('status').text === 'True',
  );
  return `${passed.length}/${gates.length}`;
}

function conditionOf(status: Place, type: string): Place | undefined {
  return status
    .child('conditions')
    .items()
    .find(condition => condition.child('type').text === type);
}

const orNone = (place: Place): string => place.text || '<none>';
