import { X509Certificate } from 'node:crypto';
import type { ConfigMap } from '../kube/types/config.ts';
import type { AuthoritiesReading } from './model.ts';

/** Where a ConfigMap has certificates of authorities (Gateway API: caCertificateRefs). */
const FIELD = 'ca.crt';
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** A system's own list has some 150. */
const MOST = 1000;

/** Reads ConfigMaps with `ca.crt`. An object that was read is not read again. */
export function createAuthoritiesReader(): (configMap: ConfigMap) => AuthoritiesReading {
  const known = new WeakMap<ConfigMap, AuthoritiesReading>();
  return configMap => {
    let reading = known.get(configMap);
    if (reading === undefined) known.set(configMap, (reading = readConfigMap(configMap)));
    return reading;
  };
}

/** What stands between certificates is left out; one that cannot be read makes all of it unusable. */
function readConfigMap({ binaryData = {}, data = {} }: ConfigMap): AuthoritiesReading {
  const text = data[FIELD] ?? Buffer.from(binaryData[FIELD] ?? '', 'base64').toString('utf8');
  if (text.trim() === '') return { problem: `it has no ${FIELD}` };
  const blocks = text.match(PEM) ?? [];
  if (blocks.length === 0) return { problem: `${FIELD} holds no PEM certificate` };
  if (blocks.length > MOST) return { problem: `${FIELD} holds more than ${MOST} certificates` };
  const wrong = blocks.findIndex(block => !isCertificate(block));
  if (wrong >= 0) return { problem: `certificate ${wrong + 1} of ${FIELD} cannot be read` };
  return { authorities: blocks.join('\n') };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
