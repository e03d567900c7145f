import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError, sentenceOf } from '../../../base/errors.ts';
import { interfaces } from '../../../kernel/contract.ts';
import { hasVersion, loadNetworkConfiguration, type NetworkConfiguration } from './network-configuration.ts';
import { callPlugin, type PluginCall, type PluginPlace } from './plugin.ts';

export interface Attachment {
  readonly containerId: string;
  readonly networkNamespace: string;
  /** CNI_ARGS: what Kubernetes tells plugins about the pod. */
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly portMappings: readonly PortMapping[];
}

export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIP?: string;
}

/** What libcni keeps, too: DEL gets the configuration and the result of its ADD, whatever the directory says by then. */
interface CachedResult {
  readonly kind: 'cniCacheV1';
  readonly containerId: string;
  readonly ifName: string;
  readonly networkName: string;
  readonly configuration: NetworkConfiguration;
  readonly cniArgs: string;
  readonly portMappings: readonly PortMapping[];
  readonly networkNamespace: string;
  readonly result: unknown;
}

export interface PodNetworkOptions {
  readonly configurationDirectory: string;
  readonly place: PluginPlace;
  readonly resultDirectory: string;
}

/** One node's pod network, as a container runtime runs it: CNI plugins from a conflist, in order, with a result cache. */
export class PodNetwork {
  readonly #options: PodNetworkOptions;

  constructor(options: PodNetworkOptions) {
    this.#options = options;
  }

  configuration(): NetworkConfiguration | undefined {
    return loadNetworkConfiguration(this.#options.configurationDirectory);
  }

  /** Attaches a pod and returns its addresses in the plugin's order. A failed attempt is undone before it throws. */
  async add(attachment: Attachment): Promise<readonly string[]> {
    const configuration = this.configuration();
    if (configuration === undefined) {
      throw new FairleadError(
        'runtime/network-not-ready',
        'network is not ready: no network configuration yet',
        {
          hint: 'The agent of the node writes it when it can attach pods; see its log.',
        },
      );
    }
    if (attachment.portMappings.length > 0 && !configuration.plugins.some(mapsPorts)) {
      throw new FairleadError(
        'runtime/host-port',
        `hostPort ${attachment.portMappings[0]?.hostPort} is not offered: no network plugin of the node maps ports`,
        { field: 'spec.containers[].ports[].hostPort', hint: 'Use a Service of type NodePort.' },
      );
    }
    const cached: CachedResult = {
      kind: 'cniCacheV1',
      containerId: attachment.containerId,
      ifName: interfaces.pod,
      networkName: configuration.name,
      configuration,
      cniArgs: argumentsOf(attachment),
      portMappings: attachment.portMappings,
      networkNamespace: attachment.networkNamespace,
      result: undefined,
    };
    // Before the first plugin runs: a crash from here on still leads to a DEL.
    this.#save(cached);
    let result: unknown;
    try {
      for (const plugin of configuration.plugins) result = await this.#call('ADD', cached, plugin, result);
      this.#save({ ...cached, result });
      return addressesIn(result);
    } catch (error) {
      await this.#undo({ ...cached, result }, error);
      throw error;
    }
  }

  /** Detaches a pod; success when it was never attached. */
  async remove(containerId: string): Promise<void> {
    const cached = this.#load(containerId);
    if (cached === undefined) return;
    await this.#delete(cached);
  }

  /** Throws when the attachment is not as ADD left it. */
  async check(containerId: string): Promise<void> {
    const cached = this.#load(containerId);
    if (cached === undefined) {
      throw new FairleadError('runtime/network-unknown', 'the pod has no network attachment');
    }
    const { configuration } = cached;
    if (configuration.disableCheck || !hasVersion(configuration.cniVersion, '0.4.0')) return;
    for (const plugin of configuration.plugins) await this.#call('CHECK', cached, plugin, cached.result);
  }

  /** Addresses of an attachment that an earlier process made. */
  addresses(containerId: string): readonly string[] | undefined {
    const result = this.#load(containerId)?.result;
    return result === undefined ? undefined : addressesIn(result);
  }

  /** Throws while the plugins cannot attach pods (STATUS, since version 1.1.0). */
  async status(): Promise<void> {
    const configuration = this.configuration();
    if (configuration === undefined) {
      throw new FairleadError(
        'runtime/network-not-ready',
        'cni plugin not initialized: no network configuration yet',
      );
    }
    if (!hasVersion(configuration.cniVersion, '1.1.0')) return;
    for (const plugin of configuration.plugins) {
      const request = requestOf(configuration, plugin);
      await callPlugin(this.#options.place, {
        command: 'STATUS',
        type: plugin.type,
        variables: {},
        configuration: request,
      });
    }
  }

  /** Tells the plugins which attachments are still wanted; they drop all others (GC, since version 1.1.0). */
  async collectGarbage(containerIds: readonly string[]): Promise<void> {
    const configuration = this.configuration();
    if (
      configuration === undefined ||
      configuration.disableGC ||
      !hasVersion(configuration.cniVersion, '1.1.0')
    )
      return;
    const valid = containerIds.map(containerID => ({ containerID, ifname: interfaces.pod }));
    for (const plugin of configuration.plugins) {
      const request = { ...requestOf(configuration, plugin), 'cni.dev/valid-attachments': valid };
      await callPlugin(this.#options.place, {
        command: 'GC',
        type: plugin.type,
        variables: {},
        configuration: request,
      });
    }
  }

  attachments(): readonly string[] {
    try {
      return readdirSync(this.#options.resultDirectory)
        .filter(name => name.endsWith('.json'))
        .map(name => name.slice(0, -'.json'.length));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  async #undo(cached: CachedResult, reason: unknown): Promise<void> {
    try {
      await this.#delete(cached);
    } catch (cause) {
      throw new FairleadError(
        'runtime/network-undo',
        `${sentenceOf(reason)}; and the attempt could not be undone`,
        { cause },
      );
    }
  }

  async #delete(cached: CachedResult): Promise<void> {
    for (const plugin of cached.configuration.plugins.toReversed()) {
      await this.#call('DEL', cached, plugin, cached.result);
    }
    rmSync(this.#file(cached.containerId), { force: true });
  }

  async #call(
    command: PluginCall['command'],
    cached: CachedResult,
    plugin: NetworkConfiguration['plugins'][number],
    previous: unknown,
  ): Promise<unknown> {
    const { portMappings } = cached;
    const wantsPorts = mapsPorts(plugin) && portMappings.length > 0;
    const configuration = {
      ...requestOf(cached.configuration, plugin),
      ...(previous === undefined ? {} : { prevResult: previous }),
      ...(wantsPorts ? { runtimeConfig: { portMappings } } : {}),
    };
    const variables = {
      CONTAINERID: cached.containerId,
      NETNS: cached.networkNamespace,
      IFNAME: cached.ifName,
      ARGS: cached.cniArgs,
    };
    return callPlugin(this.#options.place, { command, type: plugin.type, variables, configuration });
  }

  #file(containerId: string): string {
    return join(this.#options.resultDirectory, `${containerId}.json`);
  }

  #save(cached: CachedResult): void {
    mkdirSync(this.#options.resultDirectory, { recursive: true, mode: 0o700 });
    const file = this.#file(cached.containerId);
    writeFileSync(`${file}.new`, JSON.stringify(cached), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  #load(containerId: string): CachedResult | undefined {
    try {
      return JSON.parse(readFileSync(this.#file(containerId), 'utf8')) as CachedResult;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function mapsPorts(plugin: NetworkConfiguration['plugins'][number]): boolean {
  return plugin.capabilities?.portMappings === true;
}

/** The configuration of one plugin: its own part with the list's name and version, without what the runtime keeps. */
function requestOf(
  configuration: NetworkConfiguration,
  plugin: NetworkConfiguration['plugins'][number],
): Readonly<Record<string, unknown>> {
  const { capabilities: _kept, ...own } = plugin;
  return { ...own, name: configuration.name, cniVersion: configuration.cniVersion };
}

function argumentsOf(attachment: Attachment): string {
  const { namespace, name, uid } = attachment.pod;
  return [
    'IgnoreUnknown=1',
    `K8S_POD_NAMESPACE=${namespace}`,
    `K8S_POD_NAME=${name}`,
    `K8S_POD_INFRA_CONTAINER_ID=${attachment.containerId}`,
    `K8S_POD_UID=${uid}`,
  ].join(';');
}

function addressesIn(result: unknown): readonly string[] {
  const { ips = [] } = (result ?? {}) as { ips?: readonly { address?: string }[] };
  const addresses = ips.map(ip => (ip.address ?? '').split('/')[0] ?? '').filter(address => address !== '');
  if (addresses.length === 0)
    throw new FairleadError('runtime/network-plugin', 'the network plugin gave the pod no address');
  return addresses;
}
