import { describe } from 'vitest';
import { mountSemantics } from './suite.ts';

describe('the kernel driver', { timeout: 60_000 }, () => mountSemantics('kernel'));
