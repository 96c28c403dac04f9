/**
 * Property tests draw the same cases at every run, so that what fails in CI fails for everyone. `FC_SEED=$RANDOM npm test`
 * looks elsewhere; what is found becomes a test of its own.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 1463592848) });
