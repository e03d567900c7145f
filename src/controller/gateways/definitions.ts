import type { Clock } from '../../base/clock.ts';
import { sentenceOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { InstalledDefinitions } from '../../gateway/compile-features.ts';
import { GATEWAY_GROUP } from '../../gateway/model.ts';
import type { KubeClient } from '../../kube/client.ts';

export interface DefinitionsOptions {
  readonly client: Pick<KubeClient, 'request'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Others are installed than before. */
  readonly onChange: () => void;
}

const PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
/** They are installed together; a cluster may have hundreds of others. */
const KINDS = ['gatewayclasses', 'gateways', 'httproutes'];
/** Their heads alone: a definition has half a megabyte. */
const HEADS = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json';
const CHANNEL = `${GATEWAY_GROUP}/channel`;
const VERSION = `${GATEWAY_GROUP}/bundle-version`;
/** People install them once, and then look at what the class says. */
const LOOK_MILLISECONDS = 5000;

/** Which CustomResourceDefinitions of the Gateway API a cluster has: their release and channel, looked at now and then. */
export class Definitions {
  readonly #options: DefinitionsOptions;
  #installed: InstalledDefinitions | undefined;

  constructor(options: DefinitionsOptions) {
    this.#options = options;
  }

  /** Undefined where the API does not say. */
  get installed(): InstalledDefinitions | undefined {
    return this.#installed;
  }

  /** Looks once, and resolves; goes on looking until the signal is aborted. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#look(signal);
    void this.#goOn(signal);
  }

  async #goOn(signal: AbortSignal): Promise<void> {
    const isOver = () => signal.aborted;
    while (!isOver()) {
      const isEnded = await this.#options.clock.sleep(LOOK_MILLISECONDS, signal).then(
        () => false,
        () => true,
      );
      if (!isEnded && (await this.#look(signal))) this.#options.onChange();
    }
  }

  /** Returns whether they are others than before. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { client, log } = this.#options;
    try {
      const lists: unknown[] = [];
      for (const kind of KINDS) {
        const path = `${PATH}?fieldSelector=metadata.name%3D${kind}.${GATEWAY_GROUP}`;
        const { body, status } = await client.request('GET', path, { headers: { accept: HEADS }, signal });
        if (status === 200) lists.push(JSON.parse(body.toString()));
      }
      const before = JSON.stringify(this.#installed);
      this.#installed = lists.length === KINDS.length ? readHeads(lists) : undefined;
      return before !== JSON.stringify(this.#installed);
    } catch (error) {
      if (!signal.aborted)
        log.debug({ reason: sentenceOf(error) }, 'the definitions of the Gateway API could not be looked at');
      return false;
    }
  }
}

interface Head {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
}

function readHeads(lists: readonly unknown[]): InstalledDefinitions {
  const heads = lists.flatMap(list => (list as { readonly items?: readonly Head[] }).items ?? []); // as every list of the API
  const valuesOf = (annotation: string) =>
    [...new Set(heads.map(({ metadata }) => metadata?.annotations?.[annotation] ?? ''))].toSorted();
  return { channels: valuesOf(CHANNEL), versions: valuesOf(VERSION) };
}
