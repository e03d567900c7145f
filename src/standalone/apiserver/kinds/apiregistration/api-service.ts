import { fill } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { dnsLabel1035, dnsSubdomain } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

const HIGHEST_GROUP = 20_000;
const HIGHEST_VERSION = 1000;

export const API_SERVICE: Definition = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  schema: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService',
  namespaced: false,
  categories: ['api-extensions'],
  // The core group's is `v1.`, which is no domain name.
  nameFormat: 'path-segment',
  subresources: [statusOf('APIService')],
  defaults: object => fill(object, { spec: {} }),
  validate: (found, object, _before, subresource) => {
    if (subresource !== 'status') checkSpec(found, object);
  },
  strategy: {
    statusFields: ['status'],
    onCreate: object => ({
      ...object,
      status: { conditions: [availableSince(object.metadata.creationTimestamp)] },
    }),
  },
  table: {
    columns: [
      NAME,
      column('Service', 'Who serves the group version.'),
      column('Available', 'Whether it is served now.'),
      AGE,
    ],
    cells: (object, now) => [nameOf(object), 'Local', availability(object), ageOf(object, now)],
  },
};

/** There are none but local ones, and these are there. */
const availableSince = (lastTransitionTime: unknown): object => ({
  type: 'Available',
  status: 'True',
  lastTransitionTime,
  reason: 'Local',
  message: 'Local APIServices are always available',
});

function availability(object: Place): string {
  const conditions = object.child('status').child('conditions').items();
  const available = conditions.find(condition => condition.child('type').text === 'Available');
  if (available === undefined) return 'Unknown';
  const [status, reason] = [available.child('status').text, available.child('reason').text];
  return status === 'True' ? status : `${status} (${reason})`;
}

function checkSpec(found: Findings, object: Place): void {
  const spec = object.child('spec');
  const [group, version] = [spec.child('group'), spec.child('version')];
  const name = object.child('metadata').child('name');
  const required = `${version.text}.${group.text}`;
  if (name.text !== required) {
    found.invalid(name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(required)}`);
  }
  if (group.text === '' && version.text !== 'v1') {
    found.required(group, 'only v1 may have an empty group and it better be legacy kube');
  }
  if (group.text !== '') found.complaints(group, dnsSubdomain);
  found.complaints(version, dnsLabel1035);
  checkPriority(found, spec.child('groupPriorityMinimum'), HIGHEST_GROUP);
  checkPriority(found, spec.child('versionPriority'), HIGHEST_VERSION);
  const [service, bundle] = [spec.child('service'), spec.child('caBundle')];
  if (service.present) {
    found.forbidden(
      service,
      'this server does not pass requests on to others: it serves what is built in and what CustomResourceDefinitions define',
    );
  } else if (bundle.present) {
    found.invalid(bundle, 'local APIServices may not have a caBundle', `${bundle.text.length} bytes`);
  }
  const skips = spec.child('insecureSkipTLSVerify');
  if (!service.present && skips.flag) {
    found.invalid(skips, 'local APIServices may not have insecureSkipTLSVerify');
  }
}

function checkPriority(found: Findings, priority: Place, most: number): void {
  if (priority.number > 0 && priority.number <= most) return;
  found.invalid(priority, `must be positive and less than ${most}`, priority.number);
}
