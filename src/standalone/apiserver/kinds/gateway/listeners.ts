import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

/** The listeners of a Gateway or of a ListenerSet: what the definitions of both kinds say of them. */
export function checkListeners(found: Findings, listeners: Place): void {
  const all = listeners.items();
  const protocolOf = (listener: Place) => listener.child('protocol').text;
  const rule = (message: string, holds: (listener: Place) => boolean) => {
    if (!all.every(holds)) found.invalid(listeners, message, 'array');
  };
  rule(
    "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
    listener => !['HTTP', 'TCP', 'UDP'].includes(protocolOf(listener)) || !listener.child('tls').present,
  );
  rule('tls mode must be Terminate for protocol HTTPS', listener => {
    const tls = listener.child('tls');
    return (
      protocolOf(listener) !== 'HTTPS' || !tls.present || ['', 'Terminate'].includes(tls.child('mode').text)
    );
  });
  rule(
    'tls mode must be set for protocol TLS',
    listener => protocolOf(listener) !== 'TLS' || listener.child('tls').child('mode').text !== '',
  );
  rule(
    "hostname must not be specified for protocols ['TCP', 'UDP']",
    listener => !['TCP', 'UDP'].includes(protocolOf(listener)) || listener.child('hostname').text === '',
  );
  const places = all.map(listener =>
    JSON.stringify([
      listener.child('port').number,
      protocolOf(listener),
      listener.child('hostname').value ?? null,
    ]),
  );
  if (new Set(places).size < places.length) {
    found.invalid(
      listeners,
      'Combination of port, protocol and hostname must be unique for each listener',
      'array',
    );
  }
  for (const listener of all) {
    const tls = listener.child('tls');
    const given = tls.child('certificateRefs').list.length + tls.child('options').entries().length;
    if (tls.child('mode').text === 'Terminate' && given === 0) {
      found.invalid(tls, 'certificateRefs or options must be specified when mode is Terminate', 'object');
    }
  }
}
