import { bad, good } from './model.ts';
import type { Verdict } from './model.ts';

/**
 * GatewayClass.status.supportedFeatures, in the order of the alphabet: what the conformance suite of the Gateway API has
 * seen to work, in its words.
 */
export const SUPPORTED_FEATURES: readonly string[] = [
  'BackendTLSPolicy',
  'BackendTLSPolicySANValidation',
  'GRPCRoute',
  'GRPCRouteNamedRouteRule',
  'Gateway',
  'GatewayAddressEmpty',
  'GatewayBackendClientCertificate',
  'GatewayFrontendClientCertificateValidation',
  'GatewayFrontendClientCertificateValidationInsecureFallback',
  'GatewayHTTPListenerIsolation',
  'GatewayHTTPSListenerDetectMisdirectedRequests',
  'GatewayInfrastructurePropagation',
  'GatewayPort8080',
  'GatewayStaticAddresses',
  'HTTPRoute',
  'HTTPRoute303RedirectStatusCode',
  'HTTPRoute307RedirectStatusCode',
  'HTTPRoute308RedirectStatusCode',
  'HTTPRouteBackendProtocolH2C',
  'HTTPRouteBackendProtocolWebSocket',
  'HTTPRouteBackendRequestHeaderModification',
  'HTTPRouteBackendTimeout',
  'HTTPRouteCORS',
  'HTTPRouteDestinationPortMatching',
  'HTTPRouteHostRewrite',
  'HTTPRouteMethodMatching',
  'HTTPRouteNamedRouteRule',
  'HTTPRouteParentRefPort',
  'HTTPRoutePathRedirect',
  'HTTPRoutePathRewrite',
  'HTTPRoutePortRedirect',
  'HTTPRouteQueryParamMatching',
  'HTTPRouteRequestMirror',
  'HTTPRouteRequestMultipleMirrors',
  'HTTPRouteRequestPercentageMirror',
  'HTTPRouteRequestTimeout',
  'HTTPRouteResponseHeaderModification',
  'HTTPRouteRetry',
  'HTTPRouteRetryBackendTimeout',
  'HTTPRouteRetryConnectionError',
  'HTTPRouteSchemeRedirect',
  'ListenerSet',
  'ReferenceGrant',
  'TCPRoute',
  'TLSRoute',
  'TLSRouteModeMixed',
  'TLSRouteModeTerminate',
  'UDPRoute',
];

/** Those that rest on fields which only the experimental channel has. */
const EXPERIMENTAL = ['HTTPRouteRetry', 'HTTPRouteRetryBackendTimeout', 'HTTPRouteRetryConnectionError'];

/** The CustomResourceDefinitions of the Gateway API that a cluster has; none where its kinds are built in. */
export interface InstalledDefinitions {
  /** `standard`, `experimental`; empty for one that does not say. */
  readonly channels: readonly string[];
  /** As `v1.6.1`; empty for one that does not say. */
  readonly versions: readonly string[];
}

/** What can be claimed: a field that the API drops is none that works. */
export function featuresOf(installed: InstalledDefinitions | undefined): readonly string[] {
  const isStandard = installed?.channels.some(channel => channel !== 'experimental') === true;
  return isStandard ? SUPPORTED_FEATURES.filter(name => !EXPERIMENTAL.includes(name)) : SUPPORTED_FEATURES;
}

/** GatewayClass' condition SupportedVersion; undefined where nothing is known of the definitions. */
export function supportedVersion(installed: InstalledDefinitions | undefined): Verdict | undefined {
  if (installed === undefined) return undefined;
  const { versions } = installed;
  const wrong = versions.find(version => !version.startsWith('v1.6.'));
  if (versions.length === 0)
    return good('SupportedVersion', 'The API server brings the kinds of the Gateway API itself');
  return wrong === undefined
    ? good('SupportedVersion', `CustomResourceDefinitions of ${versions.join(', ')} are installed`)
    : bad(
        'UnsupportedVersion',
        `CustomResourceDefinitions of ${wrong === '' ? 'no version' : wrong} are installed, and those of v1.6 are known; what both have is served`,
      );
}
