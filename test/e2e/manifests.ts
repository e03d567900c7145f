/** A Deployment of the built-in echo server, as JSON for `-f -`. */
export const manifestOf = (name: string, replicas: number, image = 'fairlead.dev/echo'): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image, ports: [{ containerPort: 3000 }] }] },
      },
    },
  });
