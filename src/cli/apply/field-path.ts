/**
 * The parts of a path as Kubernetes writes fields in errors: `spec.containers[0].image`, `metadata.labels[a.b/c]`,
 * `data.key`. What is inside brackets is one part; a number there is an index.
 */
export function parseFieldPath(text: string): readonly (string | number)[] {
  const parts = text.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g);
  return [...parts].map(([, bracketed, plain]) => {
    if (bracketed === undefined) return plain ?? '';
    const unquoted = bracketed.replace(/^["']|["']$/g, '');
    return /^\d+$/.test(unquoted) ? Number(unquoted) : unquoted;
  });
}
