/** A client certificate and its key, PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
}

/** What proves who we are, at this moment. */
export interface Proof {
  /** Authorization and Impersonate-* headers. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly certificate?: CertificatePair;
}

/** A source of proofs: static, a file that is rotated under us, or a program that is asked. */
export interface Credentials {
  current(): Promise<Proof>;
  /** The server refused this proof: forget it. False if asking again can bring nothing new. */
  invalidate(refused: Proof): boolean;
}

export function staticCredentials(proof: Proof): Credentials {
  return { current: () => Promise.resolve(proof), invalidate: () => false };
}
