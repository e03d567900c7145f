/** agnhost no-snat-test and its proxy: do pods see each other's own addresses? */
import { createServer, get } from 'node:http';
import { isIP } from 'node:net';
import { answerText, pathOf, queryOf } from './http-message.ts';
import { fail, formatPeer, listen } from './serving.ts';

const PATIENCE = 10_000;

export function noSnatTest(port: number): void {
  const { POD_IP: pod = '', NODE_IP: node = '' } = process.env;
  for (const [name, value] of Object.entries({ POD_IP: pod, NODE_IP: node }))
    if (isIP(value) === 0) fail(`${name} env var contained "${value}", which is not an IP address`);
  const server = createServer((request, response) => {
    const { remoteAddress, remotePort } = request.socket;
    switch (pathOf(request)) {
      case '/whoami':
        return answerText(response, 200, formatPeer(remoteAddress, remotePort));
      case '/checknosnat':
        return void checkAll((queryOf(request).get('ips') ?? '').split(','), pod, node).then(problems =>
          answerText(response, problems.length === 0 ? 200 : 500, problems.join(', ')),
        );
      default:
        return answerText(response, 404, '404 page not found\n');
    }
  });
  listen(server, port, actual => `Serving on port ${actual}`);
}

export function noSnatTestProxy(port: number): void {
  const server = createServer((request, response) => {
    if (pathOf(request) !== '/checknosnat') return answerText(response, 404, '404 page not found\n');
    const query = queryOf(request);
    const url = `http://${query.get('target') ?? ''}/checknosnat?ips=${query.get('ips') ?? ''}`;
    return void fetchText(url).then(
      ({ status, text }) => answerText(response, status, text),
      (error: unknown) => answerText(response, 500, `error: ${(error as Error).message}`),
    );
  });
  listen(server, port, actual => `Serving on port ${actual}`);
}

async function checkAll(targets: readonly string[], pod: string, node: string): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const target of targets) {
    try {
      const { text } = await fetchText(`http://${target}/whoami`);
      const seen = text.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
      const why = seen === node ? `== my Node ip "${node}" - SNAT` : 'or my Node ip - SNAT to unexpected ip';
      if (seen !== pod) problems.push(`Returned ip "${seen}" != my Pod ip "${pod}", ${why}`);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  return problems;
}

function fetchText(url: string): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((done, failed) => {
    const call = get(url, { agent: false }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text = (text + part).slice(0, 65_536)));
      response.once('error', failed);
      response.once('end', () => done({ status: response.statusCode ?? 500, text }));
    });
    const timer = setTimeout(() => call.destroy(new Error(`no answer from ${url}`)), PATIENCE);
    call.once('close', () => clearTimeout(timer));
    call.once('error', failed);
  });
}
