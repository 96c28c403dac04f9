#!/usr/bin/env node
/**
 * The bin. Node waits for the disk in four threads unless it is told otherwise before the first of them starts, which an ES module
 * is too late for. The fsync of a photo took 4.5 ms on a busy disk, by itself; with four at a time a photo took 1.2 to
 * 1.9 ms, with sixteen 0.5 ms.
 */
process.env.UV_THREADPOOL_SIZE ??= '16';
void import('./main.ts');
