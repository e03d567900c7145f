import type { Socket } from 'node:net';
import { http } from '../../../kube/node-http.ts';
import { connectIn } from '../../../kernel/ns/index.ts';
import type { HTTPHeader } from '../../../kube/types/core.ts';
import type { Outcome, Place } from './handler.ts';

export interface HttpTarget extends Place {
  readonly path: string;
  readonly headers: readonly HTTPHeader[];
  readonly isTls: boolean;
}

/** GET; every status from 200 to 399 is a success. Certificates are not checked, as the kubelet does not. */
export async function checkHttp(target: HttpTarget, timeoutMilliseconds: number): Promise<Outcome> {
  const { namespacePath, host, port } = target;
  const plain = await connectIn(namespacePath, { host, port, timeoutMilliseconds });
  const socket = target.isTls ? await secure(plain, host, timeoutMilliseconds) : plain;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const headers: Record<string, string> = { Host: authority, 'User-Agent': 'kube-probe/1.32', Accept: '*/*' };
  for (const { name, value } of target.headers) headers[nameIn(headers, name)] = value;
  try {
    const status = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no answer within ${timeoutMilliseconds / 1000}s`)),
        timeoutMilliseconds,
      );
      const call = http.request({
        createConnection: () => socket,
        path: encodeURI(decodePath(target.path)),
        headers,
      });
      call.once('error', reject);
      call.once('response', response => {
        response.on('error', () => undefined); // the status is all that counts
        resolve(response.statusCode ?? 0);
      });
      call.once('close', () => clearTimeout(timer));
      call.end();
    });
    if (status >= 200 && status < 400) return { ok: true };
    return { ok: false, message: `HTTP probe failed with statuscode: ${status}` };
  } catch (error) {
    const scheme = target.isTls ? 'https' : 'http';
    return {
      ok: false,
      message: `Get "${scheme}://${authority}${target.path}": ${(error as Error).message}`,
    };
  } finally {
    socket.destroy();
  }
}

/** `%` sequences that are there already stay. */
function decodePath(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

function nameIn(headers: Readonly<Record<string, string>>, name: string): string {
  return Object.keys(headers).find(known => known.toLowerCase() === name.toLowerCase()) ?? name;
}

async function secure(socket: Socket, host: string, timeoutMilliseconds: number): Promise<Socket> {
  const { connect } = await import('node:tls');
  return new Promise((resolve, reject) => {
    const name = /[:]|^[\d.]+$/.test(host) ? {} : { servername: host };
    const wrapped = connect({ socket, rejectUnauthorized: false, ...name }, () => {
      clearTimeout(timer);
      resolve(wrapped);
    });
    const timer = setTimeout(
      () => wrapped.destroy(new Error(`no TLS handshake within ${timeoutMilliseconds / 1000}s`)),
      timeoutMilliseconds,
    );
    wrapped.once('error', error => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    });
  });
}
