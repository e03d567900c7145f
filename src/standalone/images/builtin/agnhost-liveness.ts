/** agnhost liveness: healthy for ten seconds, then never again. */
import { createServer } from 'node:http';
import { answer, answerText, pathOf, queryOf } from './http-message.ts';
import { listen } from './serving.ts';

const PORT = 8080;
const HEALTHY_SECONDS = 10;

export function liveness(): void {
  const started = performance.now();
  const server = createServer((request, response) => {
    const seconds = (performance.now() - started) / 1000;
    switch (pathOf(request)) {
      case '/started':
        return answerText(response, 200, `${seconds.toFixed(3)}s`);
      case '/healthz':
        return seconds > HEALTHY_SECONDS
          ? answerText(response, 500, `error: ${seconds}`)
          : answerText(response, 200, 'ok');
      case '/redirect':
        return answer(response, 302, '', { Location: encodeURI(queryOf(request).get('loc') ?? '') });
      default:
        return answerText(response, 404, '404 page not found\n');
    }
  });
  listen(server, PORT, port => `Serving on port ${port}`);
}
