import type { Fields } from '../../object.ts';
import { isFields } from '../../object.ts';
import { fill, inTurn, within, withinEach } from '../defaults.ts';

/** Mode of files in volumes made from objects: 0644. */
const FILE_MODE = 0o644;

/** A PodTemplateSpec with what every pod gets. */
export const podTemplateDefaults = (template: Fields): Fields =>
  within(fill(template, { metadata: {}, spec: {} }), 'spec', podSpecDefaults);

/** What a pod gets beyond its template: service links, and requests where there are only limits. */
export const podDefaults = (object: Fields): Fields =>
  within(
    object,
    'spec',
    inTurn(
      podSpecDefaults,
      spec => fill(spec, { enableServiceLinks: true }),
      spec => withinEach(spec, 'initContainers', withRequests),
      spec => withinEach(spec, 'containers', withRequests),
    ),
  );

const podSpecDefaults = inTurn(
  spec =>
    fill(spec, {
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
      // The old name of the field is kept in step with the new one, and the other way round.
      ...(spec['serviceAccountName'] === undefined ? {} : { serviceAccount: spec['serviceAccountName'] }),
      ...(spec['serviceAccount'] === undefined ? {} : { serviceAccountName: spec['serviceAccount'] }),
    }),
  spec => withinEach(spec, 'initContainers', containerDefaults),
  spec => withinEach(spec, 'containers', containerDefaults),
  spec => withinEach(spec, 'ephemeralContainers', containerDefaults),
  spec => withinEach(spec, 'volumes', volumeDefaults),
  spec => (spec['hostNetwork'] === true ? withinEach(spec, 'containers', withHostPorts) : spec),
);

const containerDefaults = inTurn(
  container =>
    fill(container, {
      imagePullPolicy: pullPolicyOf(container['image']),
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
    }),
  container => withinEach(container, 'ports', port => fill(port, { protocol: 'TCP' })),
  container => withinEach(container, 'env', withFieldVersion),
  container => within(container, 'livenessProbe', probeDefaults),
  container => within(container, 'readinessProbe', probeDefaults),
  container => within(container, 'startupProbe', probeDefaults),
  container => within(container, 'lifecycle', lifecycleDefaults),
);

const lifecycleDefaults = inTurn(
  lifecycle => within(lifecycle, 'postStart', httpDefaults),
  lifecycle => within(lifecycle, 'preStop', httpDefaults),
);

const probeDefaults = inTurn(
  probe => fill(probe, { failureThreshold: 3, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 1 }),
  probe => within(probe, 'grpc', grpc => fill(grpc, { service: '' })),
  httpDefaults,
);

function httpDefaults(handler: Fields): Fields {
  return within(handler, 'httpGet', get => fill(get, { path: '/', scheme: 'HTTP' }));
}

const withFieldVersion = (item: Fields): Fields =>
  within(item, 'valueFrom', from => within(from, 'fieldRef', field => fill(field, { apiVersion: 'v1' })));

const withDownwardVersion = (source: Fields): Fields =>
  withinEach(source, 'items', item => within(item, 'fieldRef', field => fill(field, { apiVersion: 'v1' })));

const volumeDefaults = inTurn(
  // A volume that names no source is an empty directory.
  volume => (Object.keys(volume).every(name => name === 'name') ? { ...volume, emptyDir: {} } : volume),
  volume => within(volume, 'secret', source => fill(source, { defaultMode: FILE_MODE })),
  volume => within(volume, 'configMap', source => fill(source, { defaultMode: FILE_MODE })),
  volume =>
    within(volume, 'downwardAPI', source => withDownwardVersion(fill(source, { defaultMode: FILE_MODE }))),
  volume =>
    within(volume, 'projected', source =>
      withinEach(fill(source, { defaultMode: FILE_MODE }), 'sources', projectionDefaults),
    ),
  volume => within(volume, 'hostPath', source => fill(source, { type: '' })),
  volume =>
    within(volume, 'ephemeral', source =>
      within(source, 'volumeClaimTemplate', claim =>
        within(claim, 'spec', spec => fill(spec, { volumeMode: 'Filesystem' })),
      ),
    ),
);

const projectionDefaults = inTurn(
  source => within(source, 'serviceAccountToken', token => fill(token, { expirationSeconds: 3600 })),
  source => within(source, 'downwardAPI', withDownwardVersion),
);

/** In the node's network a container's port is the node's port. */
const withHostPorts = (container: Fields): Fields =>
  withinEach(container, 'ports', port => fill(port, { hostPort: port['containerPort'] }));

function withRequests(container: Fields): Fields {
  return within(container, 'resources', resources => {
    const limits = resources['limits'];
    if (!isFields(limits)) return resources;
    const requests = isFields(resources['requests']) ? resources['requests'] : {};
    const filled = fill(requests, limits);
    return filled === requests ? resources : { ...resources, requests: filled };
  });
}

/** `latest`, said or meant, is asked for anew at each start. */
function pullPolicyOf(image: unknown): string {
  const [name = ''] = (typeof image === 'string' ? image : '').split('@');
  if (typeof image === 'string' && image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]*)$/.exec(name)?.[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}
