#!/usr/bin/env node
/**
 * The bin. Node waits for the disk in four threads unless it is told otherwise before the first of them starts, which an ES module
 * is too late for. A file's fsync takes 4 ms on a busy disk, whatever its size: with four at a time 5,000 photos waited
 * 6 s for theirs, with sixteen 2.5 s.
 */
process.env.UV_THREADPOOL_SIZE ??= '16';
void import('./main.ts');
