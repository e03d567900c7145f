import type { Fields } from '../../object.ts';
import { fill, inTurn, within, withinEach } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { dnsLabel1035, dnsSubdomain } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import { checkLabelSelector } from '../validation/labels.ts';
import type { Place } from '../validation/place.ts';
import {
  FAILURE_POLICIES,
  MATCH_POLICIES,
  checkMatchConditions,
  checkRule,
  withMatchDefaults,
  withScope,
} from './match-resources.ts';

const REINVOCATIONS = ['IfNeeded', 'Never'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun'];
const REVIEW_VERSIONS = ['v1', 'v1beta1'];
const URL_FORM = '; desired format: https://host[/path]';

const withHookDefaults = (hook: Fields): Fields =>
  inTurn(
    withMatchDefaults,
    inner => fill(inner, { failurePolicy: 'Fail', timeoutSeconds: 10 }),
    inner => withinEach(inner, 'rules', withScope),
    inner => within(inner, 'clientConfig', config => within(config, 'service', withPort)),
  )(hook);

const withPort = (service: Fields): Fields => fill(service, { port: 443 });

export const VALIDATING_WEBHOOK_CONFIGURATION = configuration('Validating', withHookDefaults);

export const MUTATING_WEBHOOK_CONFIGURATION = configuration('Mutating', hook =>
  fill(withHookDefaults(hook), { reinvocationPolicy: 'Never' }),
);

function configuration(type: 'Validating' | 'Mutating', withDefaults: (hook: Fields) => Fields): Definition {
  return {
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    kind: `${type}WebhookConfiguration`,
    plural: `${type.toLowerCase()}webhookconfigurations`,
    schema: `io.k8s.api.admissionregistration.v1.${type}WebhookConfiguration`,
    namespaced: false,
    categories: ['api-extensions'],
    defaults: object => withinEach(object, 'webhooks', withDefaults),
    validate: (found, object) => checkHooks(found, object.child('webhooks')),
    strategy: { countsGenerations: true },
    table: {
      columns: [NAME, column('Webhooks', 'How many webhooks are configured.', 'integer'), AGE],
      cells: (object, now) => [nameOf(object), object.child('webhooks').list.length, ageOf(object, now)],
    },
  };
}

function checkHooks(found: Findings, hooks: Place): void {
  const seen = new Set<string>();
  for (const hook of hooks.items()) {
    checkHook(found, hook);
    checkReviewVersions(found, hook.child('admissionReviewVersions'));
    const name = hook.child('name');
    if (name.text === '') continue;
    if (seen.has(name.text)) found.duplicate(name);
    seen.add(name.text);
  }
}

function checkHook(found: Findings, hook: Place): void {
  const name = hook.child('name');
  if (name.text === '') found.required(name);
  else if (name.text.split('.').length < 3) {
    found.invalid(name, 'should be a domain with at least three segments separated by dots');
  } else found.complaints(name, dnsSubdomain);
  for (const rule of hook.child('rules').items()) checkRule(found, rule);
  found.optionalOneOf(hook.child('failurePolicy'), FAILURE_POLICIES);
  found.optionalOneOf(hook.child('matchPolicy'), MATCH_POLICIES);
  const effects = hook.child('sideEffects');
  if (!effects.present) found.required(effects, `must specify one of ${SIDE_EFFECTS.join(', ')}`);
  else if (!SIDE_EFFECTS.includes(effects.text)) found.notSupported(effects, SIDE_EFFECTS);
  const timeout = hook.child('timeoutSeconds');
  if (timeout.present && (timeout.number < 1 || timeout.number > 30)) {
    found.invalid(timeout, 'the timeout value must be between 1 and 30 seconds');
  }
  for (const field of ['namespaceSelector', 'objectSelector']) {
    if (hook.child(field).present) checkLabelSelector(found, hook.child(field));
  }
  checkClient(found, hook.child('clientConfig'));
  checkMatchConditions(found, hook.child('matchConditions'));
  found.optionalOneOf(hook.child('reinvocationPolicy'), REINVOCATIONS);
}

function checkReviewVersions(found: Findings, versions: Place): void {
  const accepted = REVIEW_VERSIONS.join(', ');
  if (versions.list.length === 0) {
    found.required(versions, `must specify one of ${accepted}`);
    return;
  }
  const seen = new Set<string>();
  for (const version of versions.items()) {
    if (seen.has(version.text)) found.invalid(version, 'duplicate version');
    else found.complaints(version, dnsLabel1035);
    seen.add(version.text);
  }
  if (!REVIEW_VERSIONS.some(version => seen.has(version))) {
    found.invalid(versions, `must include at least one of ${accepted}`);
  }
}

/** Where a webhook is: a URL, or a Service of the cluster (also of conversion webhooks). */
export function checkClient(found: Findings, config: Place): void {
  const [url, service] = [config.child('url'), config.child('service')];
  if (url.present === service.present) {
    found.required(config, 'exactly one of url or service is required');
  } else if (url.present) checkUrl(found, url);
  else checkService(found, service);
}

function checkUrl(found: Findings, place: Place): void {
  const absolute = URL.parse(place.text);
  // A path alone is a URL too, as far as it goes.
  const url = absolute ?? URL.parse(place.text, 'relative://');
  if (url === null) {
    found.required(place, `url must be a valid URL: it cannot be read${URL_FORM}`);
    return;
  }
  const scheme = absolute === null ? '' : url.protocol.slice(0, -1);
  if (scheme !== 'https') {
    found.invalid(place, `'https' is the only allowed URL scheme${URL_FORM}`, scheme);
  }
  if (url.host === '') found.invalid(place, `host must be specified${URL_FORM}`, '');
  const user = url.password === '' ? url.username : `${url.username}:${url.password}`;
  if (user !== '') found.invalid(place, 'user information is not permitted in the URL', user);
  if (url.hash !== '') {
    found.invalid(place, 'fragments are not permitted in the URL', url.hash.slice(1));
  }
  if (url.search !== '') {
    found.invalid(place, 'query parameters are not permitted in the URL', url.search.slice(1));
  }
}

function checkService(found: Findings, service: Place): void {
  for (const field of ['name', 'namespace']) {
    if (service.child(field).text === '') found.required(service.child(field));
  }
  const port = service.child('port');
  if (port.number < 1 || port.number > 65_535) {
    found.invalid(port, 'port is not valid: must be between 1 and 65535, inclusive');
  }
  const path = service.child('path');
  if (path.text === '' || path.text === '/') return;
  if (!path.text.startsWith('/')) found.invalid(path, "must start with a '/'");
  const steps = path.text.slice(1).replace(/\/$/, '').split('/');
  steps.forEach((step, index) => {
    const complaints = step === '' ? ['may not be empty'] : dnsSubdomain(step);
    const between = step === '' ? ' ' : ': ';
    for (const complaint of complaints) {
      found.invalid(path, `segment[${index}]${between}${complaint}`);
    }
  });
}
