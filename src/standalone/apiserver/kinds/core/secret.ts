import type { Fields } from '../../object.ts';
import { isFields } from '../../object.ts';
import { fill } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { configKey } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import { LARGEST_CONFIGURATION, checkImmutable } from './config-map.ts';

/** Keys that a typed Secret must have. */
const KEYS_OF_TYPE: ReadonlyMap<string, readonly string[]> = new Map([
  ['kubernetes.io/dockercfg', ['.dockercfg']],
  ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']],
  ['kubernetes.io/ssh-auth', ['ssh-privatekey']],
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']],
]);

export const SECRET: Definition = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  schema: 'io.k8s.api.core.v1.Secret',
  namespaced: true,
  defaults: object => fill(withStringData(object), { type: 'Opaque' }),
  validate: (found, object, before) => {
    const data = object.child('data');
    let size = 0;
    for (const [key, value] of data.entries()) {
      for (const complaint of configKey(key)) found.invalid(data.key(key), complaint, key);
      size += Buffer.byteLength(value.text, 'base64');
    }
    if (size > LARGEST_CONFIGURATION) found.tooLong(data, LARGEST_CONFIGURATION);
    checkType(found, object);
    checkDockerConfig(found, object);
    if (before === undefined) return;
    found.immutable(object.child('type'), before.child('type'));
    checkImmutable(found, object, before, ['data']);
  },
  selectors: ['type'],
  table: {
    columns: [
      NAME,
      column('Type', 'What the contents are for.'),
      column('Data', 'How many entries it has.'),
      AGE,
    ],
    cells: (object, now) => [
      nameOf(object),
      object.child('type').text,
      object.child('data').entries().length,
      ageOf(object, now),
    ],
  },
};

/** `stringData` is write-only: it is encoded into `data`, where it wins over the same key. */
function withStringData(object: Fields): Fields {
  const { stringData, ...rest } = object;
  if (!isFields(stringData)) return object;
  const encoded = Object.entries(stringData).map(
    ([key, value]) => [key, Buffer.from(String(value)).toString('base64')] as const,
  );
  const data = isFields(object['data']) ? object['data'] : {};
  return { ...rest, data: { ...data, ...Object.fromEntries(encoded) } };
}

function checkType(found: Findings, object: Place): void {
  const type = object.child('type').text;
  const data = object.child('data');
  for (const key of KEYS_OF_TYPE.get(type) ?? []) if (!data.key(key).present) found.required(data.key(key));
  if (type === 'kubernetes.io/basic-auth' && !data.key('username').present && !data.key('password').present) {
    found.required(data.key('username'));
    found.required(data.key('password'));
  }
  const account = object.child('metadata').child('annotations').key('kubernetes.io/service-account.name');
  if (type === 'kubernetes.io/service-account-token' && account.text === '') found.required(account);
}

const DOCKER_KEYS: ReadonlyMap<string, string> = new Map([
  ['kubernetes.io/dockercfg', '.dockercfg'],
  ['kubernetes.io/dockerconfigjson', '.dockerconfigjson'],
]);

/** What is to be read as a registry's credentials has to be JSON; it is not shown. */
function checkDockerConfig(found: Findings, object: Place): void {
  const key = DOCKER_KEYS.get(object.child('type').text);
  if (key === undefined) return;
  const value = object.child('data').key(key);
  if (!value.present) return;
  try {
    JSON.parse(Buffer.from(value.text, 'base64').toString());
  } catch {
    found.invalid(value, 'the contents are not JSON', '<secret contents redacted>');
  }
}
