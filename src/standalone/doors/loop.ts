import { SERVICES, keyOf, parseKey } from '../../kube/resources.ts';
import type { Service } from '../../kube/types/service.ts';
import { controllerQueue } from '../controllers/context.ts';
import type { Controller, ControllerContext } from '../controllers/context.ts';
import {
  doorsWanted,
  formatDoors,
  LOOPBACK_ANNOTATION,
  LOOPBACK_HOST,
  parseDoors,
  usualPort,
} from './annotation.ts';
import { type Dial, Door } from './door.ts';

/** Ports that are tried from the wished one on. */
const candidates = 200;
const mostDoors = 256;

interface OpenDoor {
  readonly door: Door;
  readonly local: number;
}

interface ServiceDoors {
  /** By the Service's port. */
  readonly doors: Map<number, OpenDoor>;
  /** The annotation as it was read or written last: any other text is a person's wish. */
  known: readonly (string | undefined)[];
}

/**
 * Opens a loopback port of this machine for each TCP port of each Service that has a load-balancer address, and writes
 * down which on the Service. What stands there is opened again after a restart; another port may be written there by hand.
 */
export function startDoors(context: ControllerContext, dial: Dial): Controller {
  const { client, informers, log } = context;
  const { services } = informers;
  const narrator = context.events.of('loopback-doors');
  const open = new Map<string, ServiceDoors>();
  // One at a time: two Services never try for the same port at once.
  const queue = controllerQueue(context, 'loopback-doors', synchronize, 1);
  const stop = services.onChange(({ before, after }) => {
    const service = after ?? before;
    if (service !== undefined) queue.add(keyOf(service));
  });

  async function synchronize(key: string): Promise<void> {
    const service = services.cache.get(key);
    const wanted = doorsWanted(service);
    const text = service?.metadata.annotations?.[LOOPBACK_ANNOTATION];
    const state = open.get(key) ?? { doors: new Map<number, OpenDoor>(), known: [] };
    const { doors, known } = state;
    const wished = known.includes(text) ? new Map<number, number>() : parseDoors(text);
    for (const [port, { door, local }] of doors) {
      if (wanted?.ports.includes(port) === true && (wished.get(port) ?? local) === local) continue;
      doors.delete(port);
      await door.close();
    }
    if (service === undefined || wanted === undefined) {
      open.delete(key);
      if (service !== undefined && text !== undefined) await annotate(service, null);
      return;
    }
    open.set(key, state);
    for (const port of wanted.ports) {
      const target = { address: wanted.address, port };
      const present = doors.get(port);
      if (present !== undefined) {
        present.door.retarget(target);
        continue;
      }
      const wish = wished.get(port) ?? usualPort(port);
      const opened = countOf(open) < mostDoors ? await openFrom(wish, target) : undefined;
      if (opened !== undefined) doors.set(port, opened);
      tell(service, port, wish, opened?.local);
    }
    const ours = formatDoors(new Map(wanted.ports.flatMap(port => localOf(doors, port))));
    state.known = [text, ours];
    if (text !== ours) await annotate(service, ours);
  }

  async function openFrom(
    wish: number,
    target: { address: string; port: number },
  ): Promise<OpenDoor | undefined> {
    for (let local = wish; local < Math.min(wish + candidates, 65_536); local++) {
      try {
        return { door: await Door.open(local, target, dial), local };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
    return undefined;
  }

  function tell(service: Service, port: number, wish: number, local: number | undefined): void {
    if (local === wish) {
      log.info(
        { service: keyOf(service), port, loopback: `${LOOPBACK_HOST}:${local}` },
        'A loopback door is open.',
      );
    } else if (local === undefined) {
      narrator.warning(
        service,
        'NoLoopbackPort',
        `No loopback port is free for port ${port}, from ${wish} on.`,
      );
    } else {
      const note = `${LOOPBACK_HOST}:${wish} is in use on this machine: port ${port} is at ${LOOPBACK_HOST}:${local}.`;
      narrator.warning(service, 'LoopbackPortTaken', note);
    }
  }

  async function annotate(service: Service, text: string | null): Promise<void> {
    const patch = { metadata: { annotations: { [LOOPBACK_ANNOTATION]: text } } };
    await client.patch(SERVICES, parseKey(keyOf(service)), patch, { type: 'merge' });
  }

  return {
    name: 'loopback-doors',
    close: async () => {
      stop();
      await queue.close();
      for (const { doors } of open.values()) for (const { door } of doors.values()) await door.close();
    },
  };
}

const localOf = (
  doors: ReadonlyMap<number, OpenDoor>,
  port: number,
): readonly (readonly [number, number])[] => {
  const found = doors.get(port);
  return found === undefined ? [] : [[port, found.local]];
};

const countOf = (open: ReadonlyMap<string, ServiceDoors>): number =>
  [...open.values()].reduce((total, { doors }) => total + doors.size, 0);
