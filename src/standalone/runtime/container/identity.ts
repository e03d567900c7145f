import { createHash } from 'node:crypto';

/** One run of a container: `attempt` counts from 0 and is the restart count that it belongs to. */
export interface ContainerIdentity {
  readonly podUid: string;
  readonly container: string;
  readonly attempt: number;
}

/**
 * 64 hexadecimal digits, as container runtimes give. It follows from what it names, so that a restarted runtime knows
 * its containers again without a register.
 */
export function containerId(identity: ContainerIdentity): string {
  return digest(`container/${identity.podUid}/${identity.container}/${identity.attempt}`);
}

/** The identity that network plugins know a pod by (CNI_CONTAINERID). */
export function sandboxId(podUid: string): string {
  return digest(`sandbox/${podUid}`);
}

/** As `containerID` in a status. */
export function containerUri(id: string): string {
  return `fairlead://${id}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
