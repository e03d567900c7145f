import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NginxParts, nginxLine } from './nginx-line.ts';

const parts: NginxParts = {
  client: '192.0.2.1',
  method: 'GET',
  target: '/a?b=c',
  protocol: 'HTTP/1.1',
  status: 200,
  sent: 12,
  received: 3,
  referer: 'http://r.example/"',
  agent: 'curl/8',
  milliseconds: 12.34,
  backend: 'shop/web:80',
  endpoint: '10.0.0.1:8080',
  upstreamMilliseconds: 10,
  id: 'abc',
};
const at = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));

/** The upstream format, as programs that read such logs take it apart. */
const format =
  /^(\S+) - (\S+) \[([^\]]+)\] "([^"]*)" (\d+) (\d+) "([^"]*)" "([^"]*)" (\d+) (\S+) \[([^\]]*)\] \[([^\]]*)\] (\S+) (\S+) (\S+) (\S+) (\S+)\n$/;

test('a line reads as one of Ingress NGINX', () => {
  assert.deepEqual(format.exec(nginxLine(parts, at))?.slice(1), [
    '192.0.2.1',
    '-',
    '02/Jan/2026:03:04:05 +0000',
    'GET /a?b=c HTTP/1.1',
    '200',
    '12',
    String.raw`http://r.example/\x22`,
    'curl/8',
    '3',
    '0.012',
    'shop-web-80',
    '',
    '10.0.0.1:8080',
    '12',
    '0.010',
    '200',
    'abc',
  ]);
});

test('what is not known is a dash, and nobody can begin a line of their own', () => {
  const none = {
    referer: undefined,
    agent: 'x\r\n"y',
    backend: undefined,
    endpoint: undefined,
    upstreamMilliseconds: undefined,
  };
  const fields = format.exec(nginxLine({ ...parts, ...none }, at));
  assert.deepEqual(
    [fields?.[7], fields?.[8], fields?.[11], fields?.slice(13, 17)],
    ['-', String.raw`x\x0D\x0A\x22y`, '', ['-', '-', '-', '-']],
  );
});
