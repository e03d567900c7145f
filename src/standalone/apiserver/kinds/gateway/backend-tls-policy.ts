import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, nameOf } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

export const BACKEND_TLS_POLICY: Definition = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'BackendTLSPolicy',
  plural: 'backendtlspolicies',
  schema: 'io.k8s.networking.gateway.v1.BackendTLSPolicy',
  namespaced: true,
  shortNames: ['btlspolicy'],
  categories: ['gateway-api'],
  subresources: [statusOf('BackendTLSPolicy')],
  validate: (found, object) => {
    const spec = object.child('spec');
    checkTargets(found, spec.child('targetRefs'));
    checkValidation(found, spec.child('validation'));
  },
  strategy: { statusFields: ['status'], countsGenerations: true, allowsUnconditionalUpdate: false },
  table: { columns: [NAME, AGE], cells: (object, now) => [nameOf(object), ageOf(object, now)] },
};

/** Several references to one object each name a section of it. */
function checkTargets(found: Findings, targets: Place): void {
  const sections = new Map<string, string[]>();
  for (const target of targets.items()) {
    const key = JSON.stringify(['group', 'kind', 'name'].map(name => target.child(name).text));
    sections.set(key, [...(sections.get(key) ?? []), target.child('sectionName').text]);
  }
  const groups = [...sections.values()];
  if (groups.some(names => names.includes('') && names.some(name => name !== ''))) {
    found.invalid(
      targets,
      'sectionName must be specified when targetRefs includes 2 or more references to the same target',
      'array',
    );
  }
  if (groups.some(names => new Set(names).size < names.length)) {
    found.invalid(
      targets,
      'sectionName must be unique when targetRefs includes 2 or more references to the same target',
      'array',
    );
  }
}

function checkValidation(found: Findings, validation: Place): void {
  const hasReferences = validation.child('caCertificateRefs').list.length > 0;
  const hasKnown = validation.child('wellKnownCACertificates').text !== '';
  if (hasReferences && hasKnown) {
    found.invalid(
      validation,
      'must not contain both CACertificateRefs and WellKnownCACertificates',
      'object',
    );
  }
  if (!hasReferences && !hasKnown) {
    found.invalid(validation, 'must specify either CACertificateRefs or WellKnownCACertificates', 'object');
  }
  for (const name of validation.child('subjectAltNames').items()) {
    for (const [type, member, word] of [
      ['Hostname', 'hostname', 'Hostname'],
      ['URI', 'uri', 'URI'],
    ] as const) {
      const isType = name.child('type').text === type;
      const isGiven = name.child(member).text !== '';
      const element = 'SubjectAltName element must';
      if (isType && !isGiven)
        found.invalid(name, `${element} contain ${word}, if Type is set to ${type}`, 'object');
      if (!isType && isGiven)
        found.invalid(name, `${element} not contain ${word}, if Type is not set to ${type}`, 'object');
    }
  }
}
