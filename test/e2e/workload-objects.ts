import type { Deployment, PodTemplateSpec } from '../../src/kube/types/apps.ts';
import type { Pod, PodSpec } from '../../src/kube/types/core.ts';

/** A Deployment `web` in `default` whose image tells its version. */
export function webDeployment(image: string, spec: Partial<Deployment['spec']> = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: webTemplate(image), ...spec },
  };
}

export function webTemplate(image: string): PodTemplateSpec {
  return {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'web', image }], terminationGracePeriodSeconds: 1 },
  };
}

export function barePod(name: string, spec: Partial<PodSpec> = {}, labels: Record<string, string> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels },
    spec: { containers: [{ name: 'main', image: 'pause' }], terminationGracePeriodSeconds: 1, ...spec },
  };
}
