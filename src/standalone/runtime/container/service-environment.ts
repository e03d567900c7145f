import type { Service } from '../../../kube/types/core.ts';

/**
 * The variables that describe Services: those of the pod's namespace when it wants links, and always the API's own
 * (`kubernetes` in `default`). Headless Services have none.
 */
export function serviceEnvironment(
  services: readonly Service[],
  namespace: string,
  links: boolean,
): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  const isApi = (service: Service) =>
    service.metadata.namespace === 'default' && service.metadata.name === 'kubernetes';
  const chosen = services.filter(
    service => isApi(service) || (links && service.metadata.namespace === namespace),
  );
  // The namespace's own `kubernetes` would win over the API's: the API's goes first.
  for (const service of chosen.toSorted((a, b) => Number(isApi(b)) - Number(isApi(a)))) {
    addService(variables, service);
  }
  return variables;
}

function addService(variables: Map<string, string>, service: Service): void {
  const address = service.spec.clusterIP;
  const ports = service.spec.ports ?? [];
  const [first] = ports;
  if (address === undefined || address === '' || address === 'None' || first === undefined) return;
  const prefix = variableName(service.metadata.name);
  const host = address.includes(':') ? `[${address}]` : address;
  variables.set(`${prefix}_SERVICE_HOST`, address);
  variables.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const port of ports) {
    if (port.name !== undefined && port.name !== '') {
      variables.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
    }
  }
  for (const [index, port] of ports.entries()) {
    const protocol = (port.protocol ?? 'TCP').toLowerCase();
    const url = `${protocol}://${host}:${port.port}`;
    if (index === 0) variables.set(`${prefix}_PORT`, url);
    const portPrefix = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`;
    variables.set(portPrefix, url);
    variables.set(`${portPrefix}_PROTO`, protocol);
    variables.set(`${portPrefix}_PORT`, String(port.port));
    variables.set(`${portPrefix}_ADDR`, address);
  }
}

function variableName(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}
