import { isAlreadyExists } from '../../../kube/api-error.ts';
import { keyOf, SECRETS } from '../../../kube/resources.ts';
import type { Secret } from '../../../kube/types/config.ts';
import { type Authority, createAuthority, type KeyPair, signCertificate } from '../../apiserver/pki/index.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { SELF_SIGNED_FOR_ANNOTATION } from '../names.ts';
import { decide, LIFETIME } from './decide.ts';
import { type WantedSecret, wantedSecrets } from './wanted.ts';

/**
 * Gives the listeners of annotated Gateways certificates, signed by an authority that this cluster alone has, and renews
 * them: so that a manifest with HTTPS needs no private key in it. The authority's files are made in `directory` with the
 * first certificate; who trusts its `ca.crt` (which is in every Secret too) trusts the names that people here ask for.
 */
export function startSelfSigned(context: ControllerContext, directory: string): Controller {
  const { client, clock, informers, log } = context;
  const { gateways, tlsSecrets } = informers;
  const narrator = context.events.of('self-signed');
  const queue = controllerQueue(context, 'self-signed', synchronize, 2);
  let wanted: ReadonlyMap<string, WantedSecret> = new Map();
  let authority: Authority | undefined;

  const stop = [
    gateways.onChange(() => {
      const before = wanted;
      wanted = wantedSecrets(gateways.cache.list());
      for (const key of new Set([...before.keys(), ...wanted.keys()])) {
        if (JSON.stringify(before.get(key)) !== JSON.stringify(wanted.get(key))) queue.add(key);
      }
    }),
    tlsSecrets.onChange(({ before, after }) => {
      const secret = after ?? before;
      if (secret !== undefined) queue.add(keyOf(secret));
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const present = tlsSecrets.cache.get(key);
    const asked = wanted.get(key);
    if (!isOurs(present) && asked === undefined) return;
    authority ??= createAuthority(directory, {
      clock,
      commonName: 'Fairlead, certificates of a test cluster',
    });
    const step = decide(present, asked, authority.certificate, clock.now());
    switch (step.do) {
      case 'nothing':
        return;
      case 'wait':
        queue.addAfter(key, step.until - clock.now());
        return;
      case 'refuse':
        narrator.warning(step.secret, 'CertificateRefused', `No certificate is made: ${step.note}.`);
        return;
      case 'issue': {
        const pair = signCertificate(authority.pair, {
          commonName: step.names.find(name => name.length <= 64) ?? 'self-signed',
          names: step.names,
          usage: 'server',
          now: clock.now(),
          lifetime: LIFETIME,
        });
        await write(filled(step.secret, pair, authority.certificate), step.names);
      }
    }
  }

  async function write(secret: Secret, names: readonly string[]): Promise<void> {
    try {
      const written =
        secret.metadata.resourceVersion === undefined
          ? await client.create(SECRETS, secret)
          : await client.update(SECRETS, secret);
      narrator.normal(written, 'CertificateIssued', `Made a certificate for ${names.join(', ')}.`);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      // Of another type, or our cache is behind: either way it is not ours to make.
      log.debug({ secret: keyOf(secret) }, 'A Secret of this name is there already.');
    }
  }

  return {
    name: 'self-signed',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}

const isOurs = (secret: Secret | undefined): boolean =>
  secret?.metadata.annotations?.[SELF_SIGNED_FOR_ANNOTATION] !== undefined;

function filled(secret: Secret, pair: KeyPair, authority: string): Secret {
  const encoded = (text: string) => Buffer.from(text).toString('base64');
  return {
    ...secret,
    data: {
      ...secret.data,
      'tls.crt': encoded(pair.certificate),
      'tls.key': encoded(pair.key),
      'ca.crt': encoded(authority),
    },
  };
}
