import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts';
import { startApiProcess } from './api-process.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

function ask(
  session: ClientHttp2Session,
  path: string,
  body?: object,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      [constants.HTTP2_HEADER_PATH]: path,
      [constants.HTTP2_HEADER_METHOD]: body === undefined ? 'GET' : 'POST',
      'content-type': 'application/json',
    });
    let status = 0;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', headers => (status = Number(headers[':status'])));
    stream.on('data', (chunk: string) => (text += chunk));
    stream.once('end', () => resolve({ status, text }));
    stream.once('error', reject);
    stream.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

test(
  'one HTTP/2 connection carries requests and watches, and ends with the server',
  { timeout: 60_000 },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-http2-'));
    try {
      await using server = await startApiProcess(directory);
      const { cluster, user } = loadKubeconfig(server.kubeconfig);
      const session = connect(cluster.server, {
        ca: cluster.certificateAuthority,
        cert: user.certificate?.certificate,
        key: user.certificate?.key,
      });
      const closed = new Promise<void>(resolve => session.once('close', resolve));
      session.on('error', () => undefined);
      const watch = session.request({ [constants.HTTP2_HEADER_PATH]: `${CONFIG_MAPS}?watch=1` });
      watch.setEncoding('utf8');
      let seen = '';
      const events = Promise.withResolvers<void>();
      watch.on('data', (chunk: string) => {
        seen += chunk;
        if (seen.split('\n').length > 50) events.resolve();
      });
      watch.on('error', () => undefined);
      const names = Array.from({ length: 50 }, (_, index) => `m${index}`);
      const made = await Promise.all(
        names.map(name => ask(session, CONFIG_MAPS, { metadata: { name }, data: { name } })),
      );
      assert.deepEqual(new Set(made.map(({ status }) => status)), new Set([201]));
      await events.promise;
      assert.equal(session.alpnProtocol, 'h2');
      const absent = await ask(session, `${CONFIG_MAPS}/absent`);
      assert.deepEqual(
        [absent.status, (JSON.parse(absent.text) as { reason: string }).reason],
        [404, 'NotFound'],
      );
      const stranger = connect(cluster.server, { ca: cluster.certificateAuthority });
      stranger.on('error', () => undefined);
      assert.equal(
        (await ask(stranger, CONFIG_MAPS)).status,
        403,
        'who shows no certificate is anonymous, with HTTP/2 as well',
      );
      stranger.destroy();
      await server[Symbol.asyncDispose]();
      await closed;
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
