import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stateOf } from '../../src/policy/compile-delta.ts';
import type { TableState } from '../../src/policy/compile-delta.ts';
import { PolicyCompiler } from '../../src/policy/compile-groups.ts';
import { PolicyIndex } from '../../src/policy/compile-index.ts';
import type { Touched } from '../../src/policy/compile-index.ts';
import { compileModel } from '../../src/policy/compile-model.ts';
import type { PolicyProgram, ProgramChange } from '../../src/policy/compile-program.ts';
import { decide } from '../../src/policy/decide.ts';
import { histories, historyAddresses, tell } from './policy-histories.ts';
import type { Step } from './policy-histories.ts';
import { address, nodesOfWorlds, resolve, worldPorts } from './policy-worlds.ts';

function fromScratch(now: Step): PolicyProgram {
  const index = new PolicyIndex();
  tell(index, undefined, now);
  const compiler = new PolicyCompiler(index, 'node-1', { reportsDrops: true });
  compiler.update(now.closed);
  return compiler.program;
}

/** What a kernel has after it took a change. */
function withChange(state: TableState, { before, after }: ProgramChange): TableState {
  const sets = new Map(state.sets);
  const chains = new Map(state.chains);
  const young = stateOf(after);
  for (const name of before.sets.keys()) if (!young.sets.has(name)) sets.delete(name);
  for (const [name, { digest, elements }] of young.sets) {
    const kept = new Map(sets.get(name)?.elements);
    for (const key of before.sets.get(name)?.elements.keys() ?? []) kept.delete(key);
    for (const [key, value] of elements) kept.set(key, value);
    sets.set(name, { digest, elements: kept });
  }
  for (const name of before.chains.keys()) if (!young.chains.has(name)) chains.delete(name);
  for (const [name, rules] of young.chains) chains.set(name, rules);
  return { sets, chains };
}

const plain = ({ sets, chains }: TableState) => ({
  sets: Object.fromEntries(
    [...sets].map(([name, set]) => [name, [set.digest, Object.fromEntries(set.elements)]]),
  ),
  chains: Object.fromEntries(chains),
});

/** Follows a history; throws where the program, or what was written of it, is not what a new start would make. */
function follow(index: PolicyIndex, history: readonly Step[]): void {
  const compiler = new PolicyCompiler(index, 'node-1', { reportsDrops: true });
  let kernel: TableState = { sets: new Map(), chains: new Map() };
  for (const [at, now] of history.entries()) {
    tell(index, history[at - 1], now);
    compiler.update(now.closed);
    kernel = withChange(kernel, compiler.program.takeChange());
    const wanted = plain(stateOf(fromScratch(now)));
    assert.deepEqual(plain(stateOf(compiler.program)), wanted, `the program after step ${at}`);
    assert.deepEqual(plain(kernel), wanted, `the kernel after step ${at}`);
  }
}

test('after any history the program is that of a new start, and so is what was written', () => {
  fc.assert(
    fc.property(histories, history => follow(new PolicyIndex(), history)),
    { numRuns: 400 },
  );
});

test('after any history the engine decides as a new model does', () => {
  const flow = fc.record({
    from: fc.nat(4),
    to: fc.nat(4),
    port: fc.constantFrom(...worldPorts),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const, 'ICMP' as const),
  });
  fc.assert(
    fc.property(histories, fc.array(flow, { minLength: 5 }), (history, flows) => {
      const index = new PolicyIndex();
      for (const [at, now] of history.entries()) tell(index, history[at - 1], now);
      const last = history.at(-1);
      assert.ok(last);
      const fresh = compileModel({ ...last, nodes: last.hasNodes ? nodesOfWorlds : [] });
      resolve(fresh, last.resolved);
      for (const { from, to, port, protocol } of flows) {
        const asked = {
          source: address(historyAddresses[from]?.[0] ?? ''),
          destination: address(historyAddresses[to]?.[0] ?? ''),
          protocol,
          port,
        };
        assert.deepEqual(decide(index, asked), decide(fresh, asked));
      }
    }),
    { numRuns: 200 },
  );
});

type Forgettable = 'pods' | 'addresses' | 'policies' | 'names';

/** Forgets one thing of each run of changes. */
class Forgetful extends PolicyIndex {
  readonly #what: Forgettable;

  constructor(what: Forgettable) {
    super();
    this.#what = what;
  }

  override takeTouched(): Touched {
    const touched = super.takeTouched();
    const [, ...kept] = touched[this.#what];
    return {
      ...touched,
      [this.#what]: this.#what === 'policies' ? new Map(kept as []) : new Set(kept as []),
    };
  }
}

for (const what of ['pods', 'addresses', 'policies', 'names'] as const)
  test(`one of the ${what} that a change touched, when it is forgotten, is found by a history`, () => {
    const { failed } = fc.check(
      fc.property(histories, history => follow(new Forgetful(what), history)),
      { numRuns: 300, seed: 7, endOnFailure: true },
    );
    assert.equal(failed, true);
  });
