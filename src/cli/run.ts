/** The shape of every command's module: one function. */
import type { Context } from './context.ts';
import type { ExitCode } from './exit-codes.ts';

/** Does the command. What is thrown ends the program with the exit code of its kind. */
export type Run = (context: Context, args: readonly string[]) => Promise<ExitCode>;
