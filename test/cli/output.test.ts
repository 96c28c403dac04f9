import { describe, expect, it, vi } from 'vitest';
import { exitCodeOf, exitCodes } from '../../src/cli/exit-codes.ts';
import { createOutput, type LogLevel, type Output } from '../../src/cli/output.ts';
import { describeProgress, startProgress } from '../../src/cli/progress.ts';
import { createRate } from '../../src/cli/rate.ts';
import { errorKinds, GphotosfsError } from '../../src/model/errors.ts';

interface Said {
  readonly output: Output;
  readonly out: string[];
  readonly err: string[];
}

function listen(request: { json?: boolean; level?: LogLevel; isTTY?: boolean } = {}): Said {
  const out: string[] = [];
  const err: string[] = [];
  const output = createOutput({
    json: request.json ?? false,
    level: request.level ?? 'info',
    times: false,
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text), isTTY: request.isTTY },
  });
  return { output, out, err };
}

describe('exit codes', () => {
  it('are those of the design', () => {
    const codes = Object.fromEntries(errorKinds.map((kind) => [kind, exitCodeOf(kind)]));
    expect(codes).toMatchObject({
      usage: 2,
      unavailable: 3,
      'sign-in': 4,
      'source-unreachable': 5,
      quota: 5,
      'no-space': 6,
      'cache-failing': 6,
      mount: 7,
      interrupted: 130,
      internal: 1,
    });
    expect(Object.values(codes)).not.toContain(exitCodes.done);
  });
});

describe('output', () => {
  it('is text for people', () => {
    const { output, out, err } = listen();
    output.result({ type: 'x', a: 1 }, ['one', 'two\u001b[2J']);
    output.log('warn', 'careful');
    output.log('debug', 'details');
    output.failure(new GphotosfsError('usage', 'it is wrong', { hint: 'Do it right.' }));
    expect(out.join('')).toBe('one\ntwo\\u001b[2J\n');
    expect(err.join('')).toBe('gphotosfs: warning: careful\ngphotosfs: it is wrong\n  Do it right.\n');
  });

  it('is one JSON object a line for programs', () => {
    const { output, out, err } = listen({ json: true });
    output.result({ type: 'x', text: 'a\nb' }, ['never shown']);
    output.log('info', 'told');
    output.failure(new GphotosfsError('mount', 'it is wrong', { hint: 'Do it right.' }));
    expect(out.join('')).toBe('{"type":"x","text":"a\\nb"}\n');
    expect(err.map((line) => JSON.parse(line))).toEqual([
      { event: 'log', level: 'info', message: 'told' },
      { error: { kind: 'mount', message: 'it is wrong', hint: 'Do it right.' } },
    ]);
  });

  it('shows where a defect is only when asked for details', () => {
    const defect = new GphotosfsError('internal', 'boom', { cause: new TypeError('boom') });
    const quiet = listen();
    quiet.output.failure(defect);
    expect(quiet.err.join('')).toContain('defect');
    expect(quiet.err.join('')).not.toContain('output.test.ts');
    const loud = listen({ level: 'debug' });
    loud.output.failure(defect);
    expect(loud.err.join('')).toContain('output.test.ts');
  });
});

describe('progress', () => {
  const state = (done: number) => ({
    phase: 'fetching',
    done,
    total: 100,
    unit: 'files',
    bytes: { done: done * 1000, total: 100_000 },
  });

  it('says count, rate and what is left where there are no bytes', () => {
    const state = { phase: 'listing photos', done: 1000, total: 10_000, unit: '' };
    expect(describeProgress(state, 1500)).toBe('10 %, 1,000 of 10,000, 1,500/s, 6s left');
    expect(describeProgress(state, undefined)).toBe('10 %, 1,000 of 10,000');
  });

  it('says files, bytes, rate and what is left', () => {
    expect(describeProgress(state(25), 2500)).toBe(
      '25 %, 25 of 100 files, 25.0 kB of 100.0 kB, 2.5 kB/s, 30s left',
    );
    expect(describeProgress(state(100), 2500)).toBe(
      '100 %, 100 of 100 files, 100.0 kB of 100.0 kB, 2.5 kB/s',
    );
  });

  it('is a line every few seconds and one at the end, where there is no terminal', async () => {
    vi.useFakeTimers();
    try {
      const { output, err } = listen();
      const progress = await startProgress(output);
      for (let done = 1; done <= 100; done++) {
        vi.advanceTimersByTime(100);
        progress.update(state(done));
      }
      expect(err).toHaveLength(2);
      progress.update(state(100));
      progress.stop();
      progress.stop();
      expect(err).toHaveLength(3);
      expect(err.at(-1)).toContain('fetching: 100 %');
    } finally {
      vi.useRealTimers();
    }
  });

  it('is an event a second with --json, with the last one told too', async () => {
    vi.useFakeTimers();
    try {
      const { output, err } = listen({ json: true });
      const progress = await startProgress(output);
      for (let done = 1; done <= 25; done++) {
        progress.update(state(done));
        vi.advanceTimersByTime(100);
      }
      progress.stop();
      const events = err.map((line) => JSON.parse(line) as { done: number; event: string });
      expect(events.map(({ done }) => done)).toEqual([1, 11, 21, 25]);
      expect(events[0]).toMatchObject({ event: 'progress', phase: 'fetching', total: 100, bytes: 1000 });
    } finally {
      vi.useRealTimers();
    }
  });

  it('is a bar on a terminal, with lines above it, and leaves no trace', async () => {
    const { output, err } = listen({ isTTY: true });
    const progress = await startProgress(output);
    progress.update(state(50));
    output.log('warn', 'something on the way');
    progress.stop();
    const text = err.join('');
    expect(text).toContain('fetching: 50 %');
    expect(text).toContain('gphotosfs: warning: something on the way\n');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colour is what must not be there
    expect(text).not.toMatch(/\u001b\[\d*m/);
    output.log('info', 'after');
    expect(err.at(-1)).toBe('gphotosfs: after\n');
  });
});

describe('the rate', () => {
  it('is that of the last seconds', () => {
    const rate = createRate();
    expect(rate.perSecond()).toBeUndefined();
    rate.note(0, 0);
    expect(rate.perSecond()).toBeUndefined();
    // Fast for 20 s, then slow for 40 s.
    for (let s = 1; s <= 20; s++) rate.note(s * 1000, s * 1000);
    expect(rate.perSecond()).toBeCloseTo(1000);
    for (let s = 21; s <= 60; s++) rate.note(20_000 + (s - 20) * 10, s * 1000);
    expect(rate.perSecond()).toBeCloseTo(10);
  });

  it('keeps few samples however often it is told', () => {
    const rate = createRate();
    for (let ms = 0; ms < 10_000; ms++) rate.note(ms, ms);
    expect(rate.perSecond()).toBeCloseTo(1000, 0);
  });
});
