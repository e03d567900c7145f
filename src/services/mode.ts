/** How a node leads to endpoints: packet by packet, or pods' sockets once, and the rest packet by packet. */
export type ServiceMode = 'ebpf' | 'nftables';

export const serviceModes = ['auto', 'ebpf', 'nftables'] as const;

/** What somebody wants: `auto` is what the kernel allows. */
export type ServiceModeWish = (typeof serviceModes)[number];

/** On a Node: what this one node is to do, whatever its agent was started with; it is followed at once. */
export const SERVICE_MODE = 'fairlead.dev/service-mode';

/** Probes of the kernel that the mode ebpf stands on. */
export const modeProbes = ['cgroup2', 'bpf-cgroup-socket', 'socket-destroy'] as const;

/** What a probe found, in the shape of kernel/probe. */
export interface ModeProbe {
  readonly name: string;
  readonly outcome:
    | { readonly is: 'supported' }
    | { readonly is: 'unsupported' | 'unknown'; readonly reason: string };
}

export interface ModeDecision {
  readonly mode: ServiceMode;
  /** In words, for people who ask why. */
  readonly reason: string;
}

/** Whose wish counts, and what it is; a value of the annotation that says nothing is told in `refused`. */
export function wishOf(
  annotation: string | undefined,
  option: ServiceModeWish,
): { readonly wish: ServiceModeWish; readonly by: string; readonly refused?: string } {
  const found = serviceModes.find(mode => mode === annotation);
  if (found !== undefined) return { wish: found, by: `the Node's annotation ${SERVICE_MODE}` };
  const by = option === 'auto' ? 'nobody' : 'the agent’s --service-mode';
  if (annotation === undefined) return { wish: option, by };
  const sentence = `"${annotation.slice(0, 40)}" is no mode of Services; there are ${serviceModes.join(', ')}`;
  return { wish: option, by, refused: sentence };
}

/** Pure: what the kernel was found to do, against what somebody wants. */
export function decideMode(
  { wish, by }: Pick<ReturnType<typeof wishOf>, 'wish' | 'by'>,
  probes: readonly ModeProbe[],
): ModeDecision {
  if (wish === 'nftables') return { mode: 'nftables', reason: `${by} asks for it` };
  const missing = probes.flatMap(({ name, outcome }) =>
    outcome.is === 'supported' ? [] : [`${name}: ${outcome.reason}`],
  );
  if (missing.length > 0) {
    const wanted = wish === 'ebpf' ? `${by} asks for ebpf, but ` : '';
    return { mode: 'nftables', reason: `${wanted}the kernel does not pass ${missing.join('; ')}` };
  }
  return { mode: 'ebpf', reason: wish === 'ebpf' ? `${by} asks for it` : 'the kernel passes all probes' };
}
