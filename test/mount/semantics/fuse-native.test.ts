import { describe } from 'vitest';
import { mountSemantics } from './suite.ts';

// The package has builds for x64 only.
describe.runIf(process.arch === 'x64')('the fuse-native driver', { timeout: 60_000 }, () =>
  mountSemantics('fuse-native'),
);
