import { test } from 'node:test';
import { checkEngine } from '../cases/services/check.ts';
import { serviceCases } from '../cases/services/index.ts';

for (const one of serviceCases) test(`the engine says: ${one.name}`, () => checkEngine(one));
