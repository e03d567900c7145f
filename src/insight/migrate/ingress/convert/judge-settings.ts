import type { Announcement } from '../announcement.ts';
import { FLAGS } from '../catalogue/flags.ts';
import { closestSetting, settingEntry } from '../catalogue/settings.ts';
import type { IngressModel } from '../read.ts';
import type { Target } from './target.ts';
import { featureOfStatus } from './target.ts';
import { approximated, refused, same } from './verdict.ts';

/** What becomes of each key of the ConfigMap and of each flag. */
export function judgeSettings(model: IngressModel, target: Target): readonly Announcement[] {
  return [
    ...model.settings.names.map(name => judgeKey(model, name, target)),
    ...Object.entries(model.flags).map(([name, value]) => judgeFlag(name, value)),
  ];
}

function judgeKey({ settings }: IngressModel, key: string, { features }: Target): Announcement {
  const entry = settingEntry(key);
  const value = settings.raw(key) ?? '';
  const shown = `${key}: ${value.length > 60 ? `${value.slice(0, 60)}…` : value}`;
  if (entry === undefined) {
    const closest = closestSetting(key);
    const meant = closest === undefined ? '' : `; ${closest} is the closest that it does`;
    return same({ key }, 'unknown', `The controller knows no key ${key}${meant}: it has no effect.`);
  }
  if (value.trim().toLowerCase() === entry.fallback.toLowerCase())
    return same({ key }, 'default', `${shown} is the default.`);
  const { fate } = entry;
  if (fate.is === 'inner') return same({ key }, 'inner', `${shown} tunes the controller: no request tells.`);
  if (fate.is === 'lost')
    return refused(
      { key },
      { code: key, severity: fate.severity, effects: fate.effects, sentence: `${shown}. ${fate.does}.` },
    );
  if (key.startsWith('hsts') && !features.has('HTTPRouteResponseHeaderModification'))
    return refused(
      { key },
      {
        code: 'strict-transport',
        severity: 'security',
        effects: ['response-headers'],
        sentence: `${shown}. The class does not support HTTPRouteResponseHeaderModification: the header is not set.`,
      },
    );
  const needed = key === 'http-redirect-code' ? featureOfStatus(Number(value)) : undefined;
  if (needed !== undefined && !features.has(needed))
    return approximated(
      { key },
      {
        code: 'redirect-code',
        severity: 'subtle',
        effects: ['status'],
        sentence: `${shown}. The class does not answer with it: redirects to HTTPS have 301.`,
      },
    );
  return same({ key }, 'converted', `${shown} is in the routes.`);
}

function judgeFlag(name: string, value: string): Announcement {
  const known = FLAGS.get(name);
  const key = `--${name}`;
  if (known === undefined)
    return same({ key }, 'inner', `--${name} is of the controller’s process: no request tells.`);
  const sentence = `--${name}=${value}. ${known.does}`;
  return known.loss === undefined
    ? same({ key }, 'converted', sentence)
    : refused({ key }, { code: name, ...known.loss, sentence });
}
