/** agnhost dns-suffix, dns-server-list and etc-hosts print files of the pod; test-webserver serves all of them. */
import { createReadStream, readFileSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { answer, answerText, pathOf } from './http-message.ts';
import { listen } from './serving.ts';

export function printFile(what: 'dns-suffix' | 'dns-server-list' | 'etc-hosts'): void {
  if (what === 'etc-hosts') {
    console.log(readFileSync('/etc/hosts', 'utf8'));
    return;
  }
  const lines = readFileSync('/etc/resolv.conf', 'utf8')
    .split('\n')
    .map(line => line.trim().split(/\s+/));
  const values = (keyword: string) => lines.filter(([first]) => first === keyword).map(([, ...rest]) => rest);
  const found = what === 'dns-suffix' ? (values('search').at(-1) ?? []) : values('nameserver').flat();
  console.log(found.join(','));
}

/** Every file of the container by its path; of a directory its index.html, or the names in it. */
export function testWebserver(port: number): void {
  const server = createServer((request, response) => {
    let path: string;
    try {
      path = normalize(join('/', decodeURIComponent(pathOf(request))));
      let found = statSync(path);
      if (found.isDirectory()) {
        const index = statSync(join(path, 'index.html'), { throwIfNoEntry: false });
        if (index === undefined) {
          const names = readdirSync(path, { withFileTypes: true });
          const lines = names.map(each => `${each.name}${each.isDirectory() ? '/' : ''}`).toSorted();
          return answer(response, 200, `<pre>\n${lines.map(link).join('\n')}\n</pre>\n`, {
            'Content-Type': 'text/html; charset=utf-8',
          });
        }
        path = join(path, 'index.html');
        found = index;
      }
      if (!found.isFile()) return answerText(response, 404, '404 page not found\n');
    } catch {
      return answerText(response, 404, '404 page not found\n');
    }
    const file = createReadStream(path);
    file.once('error', () => response.destroy());
    file.pipe(response);
    return undefined;
  });
  listen(server, port, actual => `Serving files on port ${actual}`);
}

function link(name: string): string {
  const text = name.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  return `<a href="${encodeURI(name)}">${text}</a>`;
}
