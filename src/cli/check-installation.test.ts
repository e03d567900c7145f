import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkInstallation } from './check-installation.ts';

test('a program that is not built is named, with the command that builds it', () => {
  assert.throws(() => checkInstallation('/nowhere'), {
    code: 'setup/incomplete',
    message: /fairlead-cni is not built/,
    hint: /npm run setup/,
  });
});
