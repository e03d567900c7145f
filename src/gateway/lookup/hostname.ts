/**
 * The name in a Host header (RFC 9110 section 7.2): lower case, without port, brackets and final dot; undefined where
 * the header is none. Stricter than a URI: a name has letters, digits, hyphens, dots and underscores, and no escapes.
 */
export function hostnameOf(authority: string): string | undefined {
  const [, bracketed, name = bracketed, port = ''] = authorityPattern.exec(authority) ?? [];
  if (name === undefined || Number(port) > 65_535) return undefined;
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

const authorityPattern =
  /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9_-](?:[A-Za-z0-9._-]{0,253})))(?::(\d{0,5}))?$/;
