/**
 * Rules for names, each as the list of complaints that a server of Kubernetes would make (empty if the text is fine).
 * Formats and words are API: clients and test suites compare them.
 */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const WILDCARD = `\\*\\.${SUBDOMAIN}`;
const QUALIFIED_NAME = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED_NAME})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const HEADER_NAME = '[-A-Za-z0-9]+';

/** RFC 1123 label: at most 63 lower-case letters, digits and hyphens. */
export function dnsLabel(value: string): string[] {
  const complaints = tooLong(value, 63);
  if (!whole(LABEL, value)) {
    complaints.push(
      whole(SUBDOMAIN, value)
        ? 'must not contain dots'
        : format(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            LABEL,
            'my-name',
            '123-abc',
          ),
    );
  }
  return complaints;
}

/** RFC 1035 label: as above, and begins with a letter. */
export function dnsLabel1035(value: string): string[] {
  const complaints = tooLong(value, 63);
  if (!whole(LABEL_1035, value)) {
    complaints.push(
      format(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        LABEL_1035,
        'my-name',
        'abc-123',
      ),
    );
  }
  return complaints;
}

/** RFC 1123 subdomain: labels joined by dots, at most 253 characters. */
export function dnsSubdomain(value: string): string[] {
  const complaints = tooLong(value, 253);
  if (!whole(SUBDOMAIN, value)) {
    complaints.push(
      format(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        SUBDOMAIN,
        'example.com',
      ),
    );
  }
  return complaints;
}

/** `*.` before a subdomain. */
export function wildcardSubdomain(value: string): string[] {
  const complaints = tooLong(value, 253);
  if (!whole(WILDCARD, value)) {
    complaints.push(
      format(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
        WILDCARD,
        '*.example.com',
      ),
    );
  }
  return complaints;
}

/** A label's or annotation's key: an optional subdomain and a slash before a name of at most 63 characters. */
export function qualifiedName(value: string): string[] {
  const rule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const examples = ['MyName', 'my.name', '123-abc'];
  const parts = value.split('/');
  const complaints: string[] = [];
  const [first = '', second] = parts;
  if (parts.length > 2) {
    const explained = format(rule, QUALIFIED_NAME, ...examples);
    return [
      `a valid label key ${explained} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (second !== undefined) {
    const inPrefix = first === '' ? ['must be non-empty'] : dnsSubdomain(first);
    complaints.push(...inPrefix.map(complaint => `prefix part ${complaint}`));
  }
  const name = second ?? first;
  if (name === '') complaints.push('name part must be non-empty');
  else if (Buffer.byteLength(name) > 63) complaints.push('name part must be no more than 63 bytes');
  if (!whole(QUALIFIED_NAME, name)) complaints.push(`name part ${format(rule, QUALIFIED_NAME, ...examples)}`);
  return complaints;
}

export function labelValue(value: string): string[] {
  const complaints = tooLong(value, 63, 'bytes');
  if (!whole(LABEL_VALUE, value)) {
    complaints.push(
      format(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        LABEL_VALUE,
        'MyValue',
        'my_value',
        '12345',
      ),
    );
  }
  return complaints;
}

/** A key of a ConfigMap or Secret: it becomes a file name. */
export function configKey(value: string): string[] {
  const complaints = tooLong(value, 253);
  if (!whole(CONFIG_KEY, value)) {
    complaints.push(
      format(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        CONFIG_KEY,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  }
  if (value === '.' || value === '..') complaints.push(`must not be '${value}'`);
  else if (value.startsWith('..')) complaints.push("must not start with '..'");
  return complaints;
}

/** The name of a container's port: at most 15 characters, at least one letter (RFC 6335 service name). */
export function portName(value: string): string[] {
  const complaints = tooLong(value, 15);
  if (!/^[-a-z0-9]+$/.test(value)) {
    complaints.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) complaints.push('must contain at least one letter (a-z)');
  if (value.includes('--')) complaints.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) complaints.push('must not begin or end with a hyphen');
  return complaints;
}

/** Any printable ASCII but `=`. */
export function environmentName(value: string): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  return /^[\x20-\x3c\x3e-\x7e]+$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function headerName(value: string): string[] {
  return whole(HEADER_NAME, value)
    ? []
    : [
        format(
          "a valid HTTP header must consist of alphanumeric characters or '-'",
          HEADER_NAME,
          'X-Header-Name',
        ),
      ];
}

export function percentage(value: string): string[] {
  return /^\d+%$/.test(value)
    ? []
    : [
        format(
          "a valid percent string must be a numeric string followed by an ending '%'",
          '[0-9]+%',
          '1%',
          '93%',
        ),
      ];
}

/** `example.com/path`: who controls an IngressClass or GatewayClass. */
export function domainPrefixedPath(value: string): string[] {
  const slash = value.indexOf('/');
  if (slash <= 0 || slash === value.length - 1)
    return ['must be a domain-prefixed path (such as "acme.io/foo")'];
  const path = String.raw`[A-Za-z0-9/\-._~%!$&'()*+,;=:]+`;
  const complaints = dnsSubdomain(value.slice(0, slash));
  if (!whole(path, value.slice(slash + 1))) complaints.push(format('Invalid path', path));
  return complaints;
}

/** A name that stands in a URL as one segment. */
export function pathSegment(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%'].filter(part => value.includes(part)).map(part => `may not contain '${part}'`);
}

/** `example.com.`, `a.example.com`: a name with at least two labels; a trailing dot may stand. */
export function fullyQualifiedDomain(value: string): string[] {
  const name = value.endsWith('.') ? value.slice(0, -1) : value;
  const complaints = dnsSubdomain(name);
  if (complaints.length > 0) return [complaints.join(',')];
  const labels = name.split('.');
  if (labels.length < 2) return ['should be a domain with at least two segments separated by dots'];
  return labels.map(label => dnsLabel(label).join(',')).filter(complaint => complaint !== '');
}

/** What every complaint about a value's form looks like. */
function format(rule: string, pattern: string, ...examples: readonly string[]): string {
  const shown = examples.length === 0 ? '' : `e.g. '${examples.join("',  or '")}', `;
  return `${rule} (${shown}regex used for validation is '${pattern}')`;
}

function tooLong(value: string, limit: number, unit = 'characters'): string[] {
  return Buffer.byteLength(value) > limit ? [`must be no more than ${limit} ${unit}`] : [];
}

/** The patterns above have no nested repetition over the same text: matching is linear in practice. */
function whole(pattern: string, value: string): boolean {
  return value.length <= 4096 && new RegExp(`^(?:${pattern})$`).test(value);
}
