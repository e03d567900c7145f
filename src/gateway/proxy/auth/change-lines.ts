/** What becomes of a field of a request. */
export interface FieldChange {
  readonly name: string;
  readonly value: string;
  /** append: behind what is there, by a comma; absent: only where there is none; present: only where there is one. */
  readonly when: 'always' | 'append' | 'absent' | 'present';
}

/** Fields that say how a message is framed or where it goes: they are the proxy's own, whoever else wants to set them. */
const ours = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export const isOurs = (name: string): boolean => ours.has(name.toLowerCase());

/** Field lines, each with its CR LF, with fields removed and then changed, in the order of the changes. */
export function changeLines(
  lines: string,
  remove: readonly string[],
  changes: readonly FieldChange[],
): string {
  const removed = new Set(remove.filter(name => !isOurs(name)).map(name => name.toLowerCase()));
  let fields = lines
    .split('\r\n')
    .filter(line => line !== '')
    .map(line => ({ name: line.slice(0, line.indexOf(':')).toLowerCase(), line }))
    .filter(({ name }) => !removed.has(name));
  for (const { name, value, when } of changes) {
    const wanted = name.toLowerCase();
    if (isOurs(wanted)) continue;
    const before = fields.filter(field => field.name === wanted);
    if (when === (before.length > 0 ? 'absent' : 'present')) continue;
    const values =
      when === 'append' ? before.map(({ line }) => line.slice(line.indexOf(':') + 1).trim()) : [];
    fields = fields.filter(field => field.name !== wanted);
    fields.push({ name: wanted, line: `${wanted}: ${[...values, value].join(', ')}` });
  }
  return fields.map(({ line }) => `${line}\r\n`).join('');
}
