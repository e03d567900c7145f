/** HTTP/2 without TLS, by prior knowledge; who speaks HTTP/1 there is told so. */
import { createServer as createHttp1, type Server as Http1Server } from 'node:http';
import type { Http2Server } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { answerText, type Handler } from './http-message.ts';

const PREFACE = 'PRI * HTTP/2.0';

/** HTTP/2 is loaded with the first connection that speaks it: most pods never see one. */
export function createClearHttp2(handler: Handler): Server {
  const http1: Http1Server = createHttp1((request, response) => {
    if (request.headers.upgrade?.toLowerCase() === 'h2c') handler(request, response);
    else answerText(response, 400, 'Expected h2c request');
  });
  let http2: Promise<Http2Server> | undefined;
  return createServer(socket => {
    socket.on('error', () => socket.destroy());
    void protocolOf(socket).then(async protocol => {
      if (protocol === 'http1') http1.emit('connection', socket);
      else if (protocol === 'http2') {
        http2 ??= import('node:http2').then(({ createServer: createHttp2 }) => createHttp2(handler));
        (await http2).emit('connection', socket);
      }
    });
  });
}

/** Looks at the first bytes and puts them back; undefined when the peer went before it said anything. */
function protocolOf(socket: Socket): Promise<'http1' | 'http2' | undefined> {
  return new Promise(resolve => {
    let seen: Buffer = Buffer.alloc(0);
    const look = () => {
      const bytes = socket.read() as Buffer | null;
      if (bytes === null) return;
      seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
      const start = seen.toString('latin1', 0, PREFACE.length);
      if (start.length < PREFACE.length && PREFACE.startsWith(start)) return; // the rest is on its way
      socket.off('readable', look);
      socket.unshift(seen);
      resolve(start === PREFACE ? 'http2' : 'http1');
    };
    socket.on('readable', look);
    socket.once('close', () => resolve(undefined));
  });
}
