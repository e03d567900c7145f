/** A schedule of five fields as cron reads it (batch/v1 CronJobSpec.schedule), or one of its names. */
export interface Schedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>;
  /** Both day fields are restricted: then either of them is enough. */
  readonly eitherDay: boolean;
  /** `@every`: milliseconds between runs, instead of all that. */
  readonly every?: number;
}

const NAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const WEEKDAYS = 'sun mon tue wed thu fri sat'.split(' ');

/** Undefined for what is no schedule; the API server refuses those before. */
export function parseSchedule(text: string): Schedule | undefined {
  const every = /^@every\s+(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text.trim());
  if (every !== null) {
    const [, hours = '0', minutes = '0', seconds = '0'] = every;
    const milliseconds = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    return milliseconds === 0 ? undefined : { ...EMPTY, every: milliseconds };
  }
  const fields = (NAMES[text.trim()] ?? text).trim().split(/\s+/);
  if (fields.length !== 5) return undefined;
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  const minutes = parseField(minute, 0, 59);
  const hours = parseField(hour, 0, 23);
  const days = parseField(day, 1, 31);
  const months = parseField(month, 1, 12, MONTHS);
  const weekdays = parseField(weekday, 0, 6, WEEKDAYS);
  if (!minutes || !hours || !days || !months || !weekdays) return undefined;
  const isRestricted = (field: string) => !/^[*?]/.test(field);
  return {
    minutes,
    hours,
    days,
    months,
    weekdays,
    eitherDay: isRestricted(day) && isRestricted(weekday),
  };
}

const NONE: ReadonlySet<number> = new Set();
const EMPTY: Schedule = {
  minutes: NONE,
  hours: NONE,
  days: NONE,
  months: NONE,
  weekdays: NONE,
  eitherDay: false,
};

function parseField(
  text: string,
  low: number,
  high: number,
  names: readonly string[] = [],
): ReadonlySet<number> | undefined {
  const found = new Set<number>();
  const numberOf = (word: string) => {
    const named = names.indexOf(word.toLowerCase());
    return named >= 0 ? named + low : /^\d{1,2}$/.test(word) ? Number(word) : NaN;
  };
  for (const part of text.split(',')) {
    const [range = '', step] = part.split('/');
    const isAll = range === '*' || range === '?';
    const [from = '', to] = range.split('-');
    const first = isAll ? low : numberOf(from);
    // `5/15` means from 5 to the end.
    const last = isAll ? high : to === undefined ? (step === undefined ? first : high) : numberOf(to);
    const width = step === undefined ? 1 : /^\d{1,2}$/.test(step) ? Number(step) : NaN;
    if (!(first >= low && last <= high && first <= last && width > 0)) return undefined;
    for (let value = first; value <= last; value += width) found.add(value);
  }
  return found;
}

/** A clock on the wall of some time zone. */
interface WallTime {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A schedule that is not met within so many years is never met (30 February). */
const MOST_YEARS = 5;

/**
 * The first time after `after` (milliseconds since the epoch) that the schedule names in the zone; undefined if there
 * is none. Times that a change of the clock skips do not happen; those that it repeats happen once an hour field names
 * them again.
 */
export function nextTime(schedule: Schedule, after: number, zone: string): number | undefined {
  if (schedule.every !== undefined) return Math.floor(after / 1000) * 1000 + schedule.every;
  const wall = wallClock(zone);
  const end = after + MOST_YEARS * 366 * 24 * HOUR;
  for (let time = Math.floor(after / MINUTE) * MINUTE + MINUTE; time < end;) {
    const at = wall(time);
    if (!schedule.months.has(at.month) || !isDay(schedule, at)) {
      // To the next midnight, or to the hour before it: summer time may begin on the way.
      const hours = 24 - at.hour;
      time += Math.max(1, hours - 1) * HOUR - at.minute * MINUTE;
    } else if (!schedule.hours.has(at.hour)) time += HOUR - at.minute * MINUTE;
    else if (!schedule.minutes.has(at.minute)) time += MINUTE;
    else return time;
  }
  return undefined;
}

function isDay(schedule: Schedule, at: WallTime): boolean {
  const day = schedule.days.has(at.day);
  const weekday = schedule.weekdays.has(at.weekday);
  return schedule.eitherDay ? day || weekday : day && weekday;
}

function wallClock(zone: string): (time: number) => WallTime {
  if (zone === 'UTC' || zone === 'Etc/UTC') {
    return time => {
      const date = new Date(time);
      return {
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
        weekday: date.getUTCDay(),
        hour: date.getUTCHours(),
        minute: date.getUTCMinutes(),
      };
    };
  }
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    month: 'numeric',
    day: 'numeric',
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  });
  return time => {
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]));
    const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type));
    return {
      month: number('month'),
      day: number('day'),
      weekday: WEEKDAYS.indexOf((parts.get('weekday') ?? '').toLowerCase()),
      hour: number('hour'),
      minute: number('minute'),
    };
  };
}
