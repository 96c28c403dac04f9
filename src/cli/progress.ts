/**
 * How far a long command is: a bar on a terminal, else a line now and then (cron mails what it reads), and with
 * `--json` events. Always on stderr.
 */
import { formatBytes, formatCount, formatDuration, formatPercent, printable } from './format.ts';
import type { Output, Sink } from './output.ts';
import { createRate, type Rate } from './rate.ts';

export interface ProgressState {
  /** What is being done: `fetching`. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** What is counted: `files`. */
  readonly unit: string;
  /** Where bytes tell more than the count. */
  readonly bytes?: { readonly done: number; readonly total: number };
  /** What holds it to its speed: `16 at a time`. */
  readonly pace?: string;
}

export interface Progress {
  update(state: ProgressState): void;
  stop(): void;
}

/** At most one line in this time, and one at the end. */
const lineEveryMs = 5000;
const eventEveryMs = 1000;

/** Starts to show progress. A terminal's bar is loaded only there. */
export async function startProgress(output: Output): Promise<Progress> {
  if (output.json) return createEvents(output);
  if (output.stderr.isTTY) return createBar(output);
  return createLines(output);
}

/** Files and bytes that are counted, as states of a phase. */
export interface CountedFiles {
  readonly files: number;
  readonly bytes: number;
  readonly totalFiles: number;
  readonly totalBytes: number;
}

/** Shows them. */
export function countFiles(progress: Progress, phase: string): (counted: CountedFiles) => void {
  return ({ files, bytes, totalFiles, totalBytes }) =>
    progress.update({
      phase,
      done: files,
      total: totalFiles,
      unit: 'files',
      bytes: { done: bytes, total: totalBytes },
    });
}

/** Follows states, phase by phase, and knows the rate of each. */
function createFollower(): (state: ProgressState) => { readonly rate: Rate; readonly isNewPhase: boolean } {
  let phase: string | undefined;
  let rate = createRate();
  return (state) => {
    const isNewPhase = state.phase !== phase;
    if (isNewPhase) {
      phase = state.phase;
      rate = createRate();
    }
    rate.note((state.bytes ?? state).done, performance.now());
    return { rate, isNewPhase };
  };
}

/** `fetching  12 %, 1,200 of 10,000 files, 3.1 of 25.0 GB, 40.2 MB/s, 9m 5s left` */
export function describeProgress(state: ProgressState, perSecond: number | undefined): string {
  const measure = state.bytes ?? state;
  const parts = [
    formatPercent(measure.done, measure.total),
    `${formatCount(state.done)} of ${formatCount(state.total)} ${state.unit}`.trimEnd(),
  ];
  if (state.bytes !== undefined)
    parts.push(`${formatBytes(state.bytes.done)} of ${formatBytes(state.bytes.total)}`);
  if (perSecond !== undefined && perSecond > 0) {
    const rate = Math.round(perSecond);
    if (state.bytes !== undefined) parts.push(`${formatBytes(rate)}/s`);
    else if (rate > 0) parts.push(`${formatCount(rate)}/s`);
    const left = measure.total - measure.done;
    if (left > 0) parts.push(`${formatDuration(left / perSecond)} left`);
  }
  if (state.pace !== undefined) parts.push(state.pace);
  return parts.join(', ');
}

function createLines(output: Output): Progress {
  const follow = createFollower();
  let saidAt = performance.now();
  let unsaid: ProgressState | undefined;
  let rate = createRate();
  const say = () => {
    if (unsaid !== undefined) {
      output.log('info', `${unsaid.phase}: ${describeProgress(unsaid, rate.perSecond())}`);
    }
    unsaid = undefined;
  };
  return {
    update(state) {
      ({ rate } = follow(state));
      unsaid = state;
      const now = performance.now();
      if (now - saidAt < lineEveryMs) return;
      say();
      saidAt = now;
    },
    stop: say,
  };
}

function createEvents(output: Output): Progress {
  const follow = createFollower();
  let saidAt = Number.NEGATIVE_INFINITY;
  let unsaid: object | undefined;
  const say = () => {
    if (unsaid !== undefined) output.event(unsaid);
    unsaid = undefined;
  };
  return {
    update(state) {
      const { rate, isNewPhase } = follow(state);
      if (isNewPhase) say();
      const { phase, done, total, unit, bytes, pace } = state;
      unsaid = {
        event: 'progress',
        phase,
        unit,
        done,
        total,
        ...(bytes === undefined ? {} : { bytes: bytes.done, totalBytes: bytes.total }),
        perSecond: rate.perSecond() ?? null,
        ...(pace === undefined ? {} : { pace }),
      };
      const now = performance.now();
      if (!isNewPhase && now - saidAt < eventEveryMs) return;
      say();
      saidAt = now;
    },
    stop: say,
  };
}

async function createBar(output: Output): Promise<Progress> {
  const { default: cliProgress } = await import('cli-progress');
  const stream = output.stderr as Sink & NodeJS.WritableStream & { readonly columns?: number };
  const follow = createFollower();
  let text: string | undefined;
  // A MultiBar with one bar: the only kind of the package that lets lines go above it.
  const bars = new cliProgress.MultiBar({
    stream,
    // Otherwise the terminal stays changed when the process is killed.
    hideCursor: false,
    linewrap: true,
    clearOnComplete: true,
    gracefulExit: false,
    format: (options, { progress, maxWidth }) => {
      const width = Math.max(0, Math.min(30, maxWidth - (text ?? '').length - 5));
      const filled = Math.floor(progress * width);
      const bar = `${options.barCompleteString?.slice(0, filled)}${options.barIncompleteString?.slice(0, width - filled)}`;
      // One column stays free: a line that fills the last one wraps.
      return `[${bar}] ${text ?? ''}`.slice(0, maxWidth - 1);
    },
  });
  const bar = bars.create(1, 0);
  output.divert((line) => bars.log(`${line}\n`));
  return {
    update(state) {
      const { rate } = follow(state);
      const measure = state.bytes ?? state;
      text = printable(`${state.phase}: ${describeProgress(state, rate.perSecond())}`);
      bar.setTotal(Math.max(1, measure.total));
      bar.update(measure.total === 0 ? 1 : measure.done);
    },
    stop() {
      // What was said since the bar was last drawn.
      bars.update();
      bars.stop();
      output.divert(undefined);
    },
  };
}
