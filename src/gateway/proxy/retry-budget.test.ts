import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryBudget } from './retry-budget.ts';

const taken = (budget: RetryBudget, now: number): number => {
  let count = 0;
  while (count < 1000 && budget.take(now)) count++;
  return count;
};

test('a backend in trouble gets a hundred retries, then ten a second and one for five requests', () => {
  const budget = new RetryBudget();
  assert.equal(taken(budget, 1000), 100);
  assert.equal(taken(budget, 1000), 0);
  assert.equal(taken(budget, 3000), 20);
  for (let requests = 0; requests < 51; requests++) budget.request();
  assert.equal(taken(budget, 3000), 10);
  assert.equal(taken(budget, 1_000_000), 100, 'what is not used is not gathered without end');
});
