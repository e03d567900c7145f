import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

/** The member of a filter that belongs to its `type`. */
const MEMBER_OF_TYPE: Readonly<Record<string, string>> = {
  CORS: 'cors',
  ExternalAuth: 'externalAuth',
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  ExtensionRef: 'extensionRef',
};
const GRPC_MEMBERS = {
  ExtensionRef: 'extensionRef',
  RequestHeaderModifier: 'requestHeaderModifier',
  RequestMirror: 'requestMirror',
  ResponseHeaderModifier: 'responseHeaderModifier',
} as const;
const ONCE = ['CORS', 'RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect', 'URLRewrite'];

/** The filters of a rule or of a backend. */
export function checkFilters(found: Findings, filters: Place): void {
  const types = filters.items().map(filter => filter.child('type').text);
  if (types.includes('RequestRedirect') && types.includes('URLRewrite')) {
    found.invalid(
      filters,
      'May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both',
      'array',
    );
  }
  for (const type of ONCE) {
    if (types.filter(item => item === type).length > 1) {
      found.invalid(filters, `${type} filter cannot be repeated`, 'array');
    }
  }
  for (const filter of filters.items()) checkFilter(found, filter);
}

/** The same of a GRPCRoute. */
export function checkGrpcFilters(found: Findings, filters: Place): void {
  const types = filters.items().map(filter => filter.child('type').text);
  for (const type of ['RequestHeaderModifier', 'ResponseHeaderModifier']) {
    if (types.filter(item => item === type).length > 1)
      found.invalid(filters, `${type} filter cannot be repeated`, 'array');
  }
  for (const filter of filters.items()) {
    checkMembers(found, filter, GRPC_MEMBERS);
    checkMirror(found, filter.child('requestMirror'));
  }
}

function checkFilter(found: Findings, filter: Place): void {
  checkMembers(found, filter, MEMBER_OF_TYPE);
  checkExternalAuth(found, filter.child('externalAuth'));
  checkCors(found, filter.child('cors'));
  checkMirror(found, filter.child('requestMirror'));
  checkPathModifier(found, filter.child('requestRedirect').child('path'));
  checkPathModifier(found, filter.child('urlRewrite').child('path'));
}

function checkMembers(found: Findings, filter: Place, members: Readonly<Record<string, string>>): void {
  for (const [type, member] of Object.entries(members)) {
    const isType = filter.child('type').text === type;
    const isGiven = filter.child(member).present;
    if (isGiven && !isType) {
      found.invalid(filter, `filter.${member} must be nil if the filter.type is not ${type}`, 'object');
    }
    if (!isGiven && isType) {
      found.invalid(filter, `filter.${member} must be specified for ${type} filter.type`, 'object');
    }
  }
}

function checkExternalAuth(found: Findings, auth: Place): void {
  if (!auth.present) return;
  for (const [protocol, member] of [
    ['GRPC', 'grpc'],
    ['HTTP', 'http'],
  ] as const) {
    const isProtocol = auth.child('protocol').text === protocol;
    if (isProtocol && !auth.child(member).present)
      found.invalid(auth, `${member} must be specified when protocol is set to '${protocol}'`, 'object');
    if (!isProtocol && auth.child(member).present)
      found.invalid(auth, `protocol must be '${protocol}' when ${member} is set`, 'object');
  }
  checkBackendPort(found, auth.child('backendRef'));
}

function checkCors(found: Findings, cors: Place): void {
  const lists = [
    ['allowHeaders', "AllowHeaders cannot contain '*' alongside other methods"],
    ['allowMethods', "AllowMethods cannot contain '*' alongside other methods"],
    ['allowOrigins', "AllowOrigins cannot contain '*' alongside other origins"],
  ] as const;
  for (const [name, message] of lists) {
    const list = cors.child(name);
    if (list.texts.includes('*') && list.list.length > 1) found.invalid(list, message, 'array');
  }
}

function checkMirror(found: Findings, mirror: Place): void {
  if (!mirror.present) return;
  const fraction = mirror.child('fraction');
  if (mirror.child('percent').present && fraction.present) {
    found.invalid(
      mirror,
      'Only one of percent or fraction may be specified in HTTPRequestMirrorFilter',
      'object',
    );
  }
  if (fraction.present && fraction.child('numerator').number > fraction.child('denominator').number) {
    found.invalid(fraction, 'numerator must be less than or equal to denominator', 'object');
  }
  checkBackendPort(found, mirror.child('backendRef'));
}

/** A Service is reached at a port. */
export function checkBackendPort(found: Findings, backend: Place): void {
  const isService = backend.child('group').text === '' && backend.child('kind').text === 'Service';
  if (isService && !backend.child('port').present) {
    found.invalid(backend, 'Must have port for Service reference', 'object');
  }
}

function checkPathModifier(found: Findings, path: Place): void {
  if (!path.present) return;
  const members = [
    ['ReplaceFullPath', 'replaceFullPath'],
    ['ReplacePrefixMatch', 'replacePrefixMatch'],
  ] as const;
  for (const [type, member] of members) {
    const isType = path.child('type').text === type;
    const isGiven = path.child(member).present;
    if (isType && !isGiven)
      found.invalid(path, `${member} must be specified when type is set to '${type}'`, 'object');
    if (isGiven && !isType) found.invalid(path, `type must be '${type}' when ${member} is set`, 'object');
  }
}
