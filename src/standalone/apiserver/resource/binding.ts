import { decodeBody } from '../codec/body.ts';
import { timestamp } from '../context.ts';
import { isFields, valueAt, withValueAt } from '../object.ts';
import type { ApiObject, Fields } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { badRequest, conflict } from '../status.ts';
import { json } from './present.ts';
import type { Target } from './target.ts';
import { changeObject } from './update.ts';
import type { OwnersAfter } from './update.ts';

/** POST of `pods/NAME/binding`: the scheduler's one decision, and the PodScheduled condition with it. */
export async function bind(target: Target): Promise<ApiResponse> {
  const body = (await decodeBody(target.request, target.context.schemas))?.fields;
  const node = valueAt(body, ['target', 'name']);
  const kind = valueAt(body, ['target', 'kind']) ?? 'Node';
  if (typeof node !== 'string' || node === '' || kind !== 'Node') {
    throw badRequest('a Binding names a node as its target');
  }
  const now = timestamp(target.context.clock.now());
  const uid = valueAt(body, ['metadata', 'uid']);
  const annotations = valueAt(body, ['metadata', 'annotations']);
  const concern = target.context.admission.concern(target, 'CREATE');
  await concern?.passUnchanged(body, undefined);
  await concern?.validate(body, undefined);
  const decision = { node, now, uid, annotations };
  // Nobody owns the node's name: it is not one of the fields that managers share.
  const owners: OwnersAfter = ({ before }) => before.metadata.managedFields;
  await changeObject(target, pod => bound(pod, decision), owners, { isAnswered: true });
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return json(201, JSON.stringify(status));
}

interface Decision {
  readonly node: string;
  readonly now: string;
  readonly uid: unknown;
  readonly annotations: unknown;
}

function bound(pod: ApiObject, { node, now, uid, annotations }: Decision): ApiObject {
  const { name = '' } = pod.metadata;
  const refuse = (why: string) => conflict({ group: '', plural: 'pods/binding' }, name, why);
  if (typeof uid === 'string' && uid !== '' && uid !== pod.metadata.uid) {
    throw refuse(
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ''}`,
    );
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  }
  const present = valueAt(pod, ['spec', 'nodeName']) ?? '';
  if (present !== '') throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(present)}`);
  const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now };
  const conditions = valueAt(pod, ['status', 'conditions']);
  const others = (Array.isArray(conditions) ? conditions : []).filter(
    (condition: unknown) => !isFields(condition) || condition['type'] !== 'PodScheduled',
  );
  const assigned = withValueAt(pod, ['spec', 'nodeName'], node);
  const result = withValueAt(assigned, ['status', 'conditions'], [...others, scheduled]) as ApiObject;
  return isFields(annotations) ? withAnnotations(result, annotations) : result;
}

function withAnnotations(pod: ApiObject, added: Fields): ApiObject {
  const strings = Object.entries(added).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string',
  );
  const annotations = { ...pod.metadata.annotations, ...Object.fromEntries(strings) };
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}
