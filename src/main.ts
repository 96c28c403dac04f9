/** The program. What a command needs is loaded when it is known which one it is: a mount has 300 ms until it must answer. */
import { main } from './cli/program.ts';

process.exitCode = await main(process.argv.slice(2));
