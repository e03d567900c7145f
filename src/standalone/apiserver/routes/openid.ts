import { ISSUER } from '../access/service-account-tokens.ts';
import type { ServiceAccountTokens } from '../access/service-account-tokens.ts';
import type { ApiResponse } from '../request.ts';
import { json } from '../resource/present.ts';

/** `/.well-known/openid-configuration`: how others check tokens of service accounts (OpenID Connect Discovery 1.0). */
export function openIdAnswer(): ApiResponse {
  return json(
    200,
    JSON.stringify({
      issuer: ISSUER,
      jwks_uri: `${ISSUER}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    }),
  );
}

/** `/openid/v1/jwks`: the keys to check them with (RFC 7517). */
export const keySetAnswer = (tokens: ServiceAccountTokens): ApiResponse => ({
  ...json(200, JSON.stringify(tokens.keySet())),
  headers: { 'content-type': 'application/jwk-set+json', 'cache-control': 'public, max-age=3600' },
});
