import type { ModelRequest } from '../model/index.ts';

/**
 * A request as a command that a person can send; `$ADDRESS` is the gateway that is asked. What a client cannot choose is
 * said behind it.
 */
export function curlOf(request: ModelRequest): string {
  const { bodyLength, client, headers, host, method, scheme, serverName, target } = request;
  const name = serverName ?? host;
  const words = ['curl', '-i', '--path-as-is'];
  if (scheme === 'https') words.push('-k');
  if (method === 'HEAD') words.push('--head');
  else if (method !== (bodyLength > 0 ? 'POST' : 'GET')) words.push('-X', method);
  for (const [field, value] of Object.entries(headers)) words.push('-H', quoted(`${field}: ${value}`));
  if (scheme === 'https' && serverName !== undefined && host !== serverName)
    words.push('-H', quoted(`host: ${host}`));
  if (bodyLength > 0) words.push('--data-binary', '@-');
  words.push('--connect-to', `"::$ADDRESS:"`, quoted(`${scheme}://${name}${target}`));
  const command = words.join(' ');
  const body = bodyLength > 0 ? `head -c ${bodyLength} /dev/zero | ${command}` : command;
  return client === '203.0.113.9' ? body : `${body}  # from ${client}`;
}

/** As a POSIX shell takes it for one word. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
