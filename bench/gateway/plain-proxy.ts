/** What a proxy costs that is written with node:http alone: plain-proxy.ts ADDRESS:PORT LISTEN-PORT */
import { Agent, createServer, request } from 'node:http';

const [upstream = '', port = ''] = process.argv.slice(2);
const at = upstream.lastIndexOf(':');
const target = { host: upstream.slice(0, at).replaceAll(/[[\]]/g, ''), port: Number(upstream.slice(at + 1)) };
const agent = new Agent({ keepAlive: true, maxFreeSockets: 1024 });

createServer((asked, answer) => {
  const forwarded = { ...asked.headers, 'x-forwarded-for': asked.socket.remoteAddress ?? '' };
  const options = {
    ...target,
    agent,
    method: asked.method ?? 'GET',
    path: asked.url ?? '/',
    headers: forwarded,
  };
  const onward = request(options, response => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(answer);
    process.stdout.write(`${asked.method ?? ''} ${asked.url ?? ''} ${response.statusCode ?? 502}\n`);
  });
  onward.on('error', () => answer.destroy());
  asked.pipe(onward);
}).listen(Number(port), '::');
