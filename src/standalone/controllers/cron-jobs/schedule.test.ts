import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTime, parseSchedule } from './schedule.ts';

const cases: readonly (readonly [
  schedule: string,
  after: string,
  next: string | undefined,
  zone?: string,
])[] = [
  ['* * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z'],
  ['* * * * *', '2026-01-01T00:00:59.999Z', '2026-01-01T00:01:00Z'],
  ['*/15 * * * *', '2026-01-01T00:46:00Z', '2026-01-01T01:00:00Z'],
  ['30 4 * * *', '2026-01-01T04:30:00Z', '2026-01-02T04:30:00Z'],
  ['5/20 * * * *', '2026-01-01T00:26:00Z', '2026-01-01T00:45:00Z'],
  ['0 0 1 * *', '2026-01-15T12:00:00Z', '2026-02-01T00:00:00Z'],
  ['0 0 29 feb *', '2026-03-01T00:00:00Z', '2028-02-29T00:00:00Z'],
  ['0 0 30 2 *', '2026-01-01T00:00:00Z', undefined],
  ['0 9 * * mon-fri', '2026-01-02T10:00:00Z', '2026-01-05T09:00:00Z'],
  ['0 0 13 * fri', '2026-01-03T00:00:00Z', '2026-01-09T00:00:00Z'],
  ['@hourly', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'],
  ['@weekly', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00Z'],
  ['@every 90s', '2026-01-01T00:00:00Z', '2026-01-01T00:01:30Z'],
  ['0 12 * * *', '2026-07-01T00:00:00Z', '2026-07-01T10:00:00Z', 'Europe/Berlin'],
  ['0 12 * * *', '2026-01-01T00:00:00Z', '2026-01-01T11:00:00Z', 'Europe/Berlin'],
  ['30 0 * * *', '2026-03-28T23:45:00Z', '2026-03-29T22:30:00Z', 'Europe/Berlin'],
  ['30 2 * * *', '2026-03-29T00:00:00Z', '2026-03-30T00:30:00Z', 'Europe/Berlin'],
  ['0 0 * * *', '2026-06-01T12:00:00Z', '2026-06-01T18:30:00Z', 'Asia/Kolkata'],
];

for (const [text, after, next, zone = 'UTC'] of cases) {
  test(`${text} after ${after} in ${zone} is ${next ?? 'never'}`, () => {
    const schedule = parseSchedule(text);
    assert.ok(schedule !== undefined);
    const time = nextTime(schedule, Date.parse(after), zone);
    assert.equal(time, next === undefined ? undefined : Date.parse(next));
  });
}

for (const text of [
  '',
  '* * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 7',
  '5-1 * * * *',
  '*/0 * * * *',
  '@never',
  '@every',
  'a * * * *',
])
  test(`"${text}" is no schedule`, () => assert.equal(parseSchedule(text), undefined));

test('at every minute of a year the next time is after it and named by the schedule', () => {
  const schedule = parseSchedule('17 3,9 */2 * 1');
  assert.ok(schedule !== undefined);
  let time = Date.parse('2026-01-01T00:00:00Z');
  for (let count = 0; count < 50; count++) {
    const next = nextTime(schedule, time, 'America/New_York');
    assert.ok(next !== undefined && next > time);
    // One minute before it is not yet past it.
    assert.equal(nextTime(schedule, next - 60_000, 'America/New_York'), next);
    time = next;
  }
});
