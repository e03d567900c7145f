const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface CronField {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Other words for the numbers from `least` on. */
  readonly words: readonly string[];
}

const FIELDS: readonly CronField[] = [
  { name: 'minute', least: 0, most: 59, words: [] },
  { name: 'hour', least: 0, most: 23, words: [] },
  { name: 'day of month', least: 1, most: 31, words: [] },
  { name: 'month', least: 1, most: 12, words: MONTHS },
  { name: 'day of week', least: 0, most: 6, words: DAYS },
];

const SHORT = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

/** What is wrong with a schedule in the form of crontab(5), as CronJobs take it; undefined for one that can be kept. */
export function cronProblem(schedule: string): string | undefined {
  if (/(^|\s)(TZ|CRON_TZ)=/.test(schedule)) {
    return 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
  }
  if (schedule.startsWith('@')) {
    if (SHORT.includes(schedule) || /^@every (\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(schedule))
      return undefined;
    return `unrecognized descriptor: ${schedule}`;
  }
  const parts = schedule.trim().split(/\s+/);
  if (parts.length !== FIELDS.length) {
    return `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`;
  }
  for (const [index, field] of FIELDS.entries()) {
    const problem = (parts[index] ?? '')
      .split(',')
      .map(part => partProblem(part, field))
      .find(found => found !== undefined);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function partProblem(part: string, field: CronField): string | undefined {
  const [, range = '', step] = /^([^/]+)(?:\/(\d{1,4}))?$/.exec(part) ?? [];
  if (range === '') return `failed to parse ${field.name} from ${JSON.stringify(part)}`;
  if (step !== undefined && Number(step) === 0) return `step of range should be a positive number: ${part}`;
  if (range === '*' || range === '?') return undefined;
  const ends = range.split('-').map(text => numberOf(text, field));
  const [first, last = first] = ends;
  if (ends.length > 2 || first === undefined || last === undefined) {
    return `failed to parse ${field.name} from ${JSON.stringify(part)}`;
  }
  if (first < field.least) return `beginning of range (${first}) below minimum (${field.least}): ${part}`;
  if (last > field.most) return `end of range (${last}) above maximum (${field.most}): ${part}`;
  if (first > last) return `beginning of range (${first}) beyond end of range (${last}): ${part}`;
  return undefined;
}

function numberOf(text: string, field: CronField): number | undefined {
  const word = field.words.indexOf(text.toLowerCase());
  if (word >= 0) return word + field.least;
  return /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}
