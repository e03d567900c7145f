import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

/** A route may attach to several sections of one parent, each named, and to each once (ParentReference.sectionName). */
export function checkParents(found: Findings, parents: Place): void {
  const sections = new Map<string, string[]>();
  for (const parent of parents.items()) {
    const key = JSON.stringify(['group', 'kind', 'name', 'namespace'].map(name => parent.child(name).text));
    sections.set(key, [...(sections.get(key) ?? []), parent.child('sectionName').text]);
  }
  const groups = [...sections.values()];
  if (groups.some(names => names.includes('') && names.some(name => name !== ''))) {
    found.invalid(
      parents,
      'sectionName must be specified when parentRefs includes 2 or more references to the same parent',
      'array',
    );
  }
  if (groups.some(names => new Set(names).size < names.length)) {
    found.invalid(
      parents,
      'sectionName must be unique when parentRefs includes 2 or more references to the same parent',
      'array',
    );
  }
}
