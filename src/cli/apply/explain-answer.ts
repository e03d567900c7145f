import { FairleadError } from '../../base/errors.ts';
import type { KubeObject, Status } from '../../kube/types/meta.ts';
import type { Manifest } from './read-manifests.ts';
import { objectName } from './served-kinds.ts';

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

interface Complaint {
  readonly sentence: string;
  readonly field?: string;
}

/** What the server refused, in one error: file and line, the object, the (first) field, what to do next. */
export function explainAnswer(answer: Answer, manifest: Manifest, object: KubeObject): FairleadError {
  const status = statusOf(answer);
  const complaints = complaintsOf(status);
  const field = complaints[0]?.field;
  const line = field === undefined ? manifest.line : manifest.lineOf(field);
  const sentences = complaints.map(({ sentence, field: at }) =>
    at === undefined || complaints.length === 1 ? sentence : `line ${manifest.lineOf(at)}: ${sentence}`,
  );
  const hint = hintOf(status, object);
  return new FairleadError('apply/refused', `${manifest.source}:${line}: ${sentences.join('; ')}`, {
    object: objectName(object),
    ...(field === undefined ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
  });
}

function complaintsOf(status: Status): readonly Complaint[] {
  const message = status.message ?? `the API server answered ${status.code ?? 'nothing'}`;
  const strict = [...message.matchAll(/(unknown|duplicate) field "([^"]+)"/g)];
  if (strict.length > 0)
    return strict.map(([sentence, , field]) => ({ sentence, ...(field ? { field } : {}) }));
  const causes = (status.details?.causes ?? []).filter(cause => cause.field);
  if (causes.length > 0) {
    return causes.map(cause => ({
      sentence: `${cause.field ?? ''}: ${cause.message ?? cause.reason ?? 'is not valid'}`,
      ...(cause.field === undefined ? {} : { field: cause.field }),
    }));
  }
  const type = /cannot unmarshal (\w+) into Go struct field \w+\.([^ ]+) of type (\S+)/.exec(message);
  if (type !== null) {
    const [, found = '', field = '', wanted = ''] = type;
    return [{ sentence: `${field}: is of type ${found} and has to be of type ${wanted}`, field }];
  }
  const named = /(?:^|: )([a-z]\w*(?:\.\w+|\[\d+\])+):/.exec(message)?.[1];
  return [{ sentence: message, ...(named === undefined ? {} : { field: named }) }];
}

function hintOf(status: Status, object: KubeObject): string | undefined {
  const { kind } = object;
  const { name, namespace } = object.metadata;
  const message = status.message ?? '';
  if (status.reason === 'NotFound' && status.details?.kind === 'namespaces') {
    return `Add the Namespace ${namespace ?? ''} to the files, or create it: kubectl create namespace ${namespace ?? ''}`;
  }
  if (/immutable|may not change fields|updates to .* are forbidden/i.test(message)) {
    const scope = namespace === undefined ? '' : ` -n ${namespace}`;
    return `Delete it and apply again: kubectl delete ${kind.toLowerCase()}${scope} ${name}`;
  }
  if (/unknown field/.test(message))
    return `See which fields there are: kubectl explain ${kind.toLowerCase()} --recursive`;
  if (status.reason === 'Invalid' || status.reason === 'BadRequest') return 'Mend the line and apply again.';
  if (status.reason === 'Forbidden' && /terminated/.test(message))
    return 'Wait until it is gone and apply again.';
  return undefined;
}

/** Anything that is not a Status (a proxy's page) becomes one. */
function statusOf(answer: Answer): Status {
  const text = answer.body.toString();
  try {
    const parsed = JSON.parse(text) as Status | null;
    if (parsed?.kind === 'Status') return parsed;
  } catch {
    // not JSON: its text is the message
  }
  return { code: answer.status, message: `the API server answered ${answer.status}: ${text.slice(0, 200)}` };
}
