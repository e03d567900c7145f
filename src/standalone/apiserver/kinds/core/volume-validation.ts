import { dnsLabel, dnsSubdomain } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

const MEDIA = /^(|Memory|HugePages|HugePages-.+)$/;

/** The volumes of a pod; their names, for the mounts. */
export function checkVolumes(found: Findings, volumes: Place): ReadonlySet<string> {
  const names = new Set<string>();
  for (const volume of volumes.items()) {
    const name = volume.child('name');
    if (name.text === '') found.required(name);
    else found.complaints(name, dnsLabel);
    if (names.has(name.text)) found.duplicate(name);
    names.add(name.text);
    checkSource(found, volume);
  }
  return names;
}

function checkSource(found: Findings, volume: Place): void {
  const sources = Object.keys(volume.fields).filter(name => name !== 'name' && volume.child(name).present);
  if (sources.length === 0) found.required(volume, 'must specify a volume type');
  for (const extra of sources.slice(1))
    found.forbidden(volume.child(extra), 'may not specify more than 1 volume type');
  const [first] = sources;
  if (first === undefined) return;
  const source = volume.child(first);
  switch (first) {
    case 'configMap':
      checkNamed(found, source, 'name');
      checkItems(found, source);
      break;
    case 'secret':
      checkNamed(found, source, 'secretName');
      checkItems(found, source);
      break;
    case 'emptyDir':
      if (!MEDIA.test(source.child('medium').text)) {
        found.notSupported(source.child('medium'), ['', 'HugePages', 'Memory']);
      }
      break;
    case 'hostPath':
      if (source.child('path').text === '') found.required(source.child('path'));
      else checkNoParent(found, source.child('path'));
      break;
    case 'downwardAPI':
      checkDownward(found, source);
      break;
    case 'projected':
      checkProjected(found, source);
      break;
    case 'persistentVolumeClaim':
      checkNamed(found, source, 'claimName');
      break;
    default:
      // Volumes of storage vendors are carried, never interpreted.
      break;
  }
}

function checkNamed(found: Findings, source: Place, field: string): void {
  if (source.child(field).text === '') found.required(source.child(field));
  else found.complaints(source.child(field), dnsSubdomain);
}

/** Keys that become files: a relative path each, within the volume. */
function checkItems(found: Findings, source: Place): void {
  checkMode(found, source.child('defaultMode'));
  for (const item of source.child('items').items()) {
    if (item.child('key').text === '') found.required(item.child('key'));
    checkPath(found, item.child('path'));
    checkMode(found, item.child('mode'));
  }
}

function checkDownward(found: Findings, source: Place): void {
  checkMode(found, source.child('defaultMode'));
  for (const item of source.child('items').items()) {
    checkPath(found, item.child('path'));
    checkMode(found, item.child('mode'));
    const [field, resource] = [item.child('fieldRef'), item.child('resourceFieldRef')];
    if (!field.present && !resource.present)
      found.required(item, 'one of fieldRef and resourceFieldRef is required');
    if (field.present && resource.present)
      found.invalid(item, 'fieldRef and resourceFieldRef can not be specified simultaneously');
  }
}

function checkProjected(found: Findings, source: Place): void {
  checkMode(found, source.child('defaultMode'));
  for (const part of source.child('sources').items()) {
    const given = Object.keys(part.fields).filter(name => part.child(name).present);
    for (const extra of given.slice(1))
      found.forbidden(part.child(extra), 'may not specify more than 1 volume type');
    for (const name of ['configMap', 'secret']) {
      if (part.child(name).present) {
        checkNamed(found, part.child(name), 'name');
        checkItems(found, part.child(name));
      }
    }
    if (part.child('downwardAPI').present) checkDownward(found, part.child('downwardAPI'));
    const token = part.child('serviceAccountToken');
    if (token.present) {
      checkPath(found, token.child('path'));
      const seconds = token.child('expirationSeconds');
      if (seconds.number < 600)
        found.invalid(seconds, 'may not specify a duration less than 10 minutes', seconds.number);
    }
  }
}

function checkMode(found: Findings, mode: Place): void {
  if (mode.number < 0 || mode.number > 0o777) {
    found.invalid(mode, 'must be a number between 0 and 0777 (octal), both inclusive');
  }
}

function checkPath(found: Findings, path: Place): void {
  if (path.text === '') {
    found.required(path);
    return;
  }
  if (path.text.startsWith('/')) found.invalid(path, 'must be a relative path');
  checkNoParent(found, path);
  if (path.text.startsWith('..') && !path.text.startsWith('../') && path.text !== '..') {
    found.invalid(path, "must not start with '..'");
  }
}

function checkNoParent(found: Findings, path: Place): void {
  if (path.text.split('/').includes('..')) found.invalid(path, "must not contain '..'");
}
