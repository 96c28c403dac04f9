/** The semantics of a mount: what programs see of it, the same for every driver as far as its features go. */
import { afterAll, beforeAll, describe } from 'vitest';
import { attributeTests } from './attribute-tests.ts';
import { changeTests } from './change-tests.ts';
import { failureTests } from './failure-tests.ts';
import { usersThatMount } from './hands.ts';
import { createLibrary, type Library } from './library.ts';
import { lifecycleTests } from './lifecycle-tests.ts';
import { nameTests } from './name-tests.ts';
import { programTests } from './program-tests.ts';
import { readingTests } from './reading-tests.ts';
import { slowTests } from './slow-tests.ts';
import { createSubject, endSubject, type Subject } from './subject.ts';
import { writingTests } from './writing-tests.ts';

/** Every group, in an order in which what has to be uncached still is. */
const groups = [
  nameTests,
  attributeTests,
  slowTests,
  readingTests,
  failureTests,
  writingTests,
  programTests,
  changeTests,
  lifecycleTests,
];

/** Declares the suite for one driver: as every user that can mount, with another layout for each. */
export function mountSemantics(driver: string): void {
  const users = usersThatMount();
  describe.skipIf(users.length === 0).each(users.map((hands) => [hands.who, hands] as const))(
    'as %s',
    (_who, hands) => {
      let library: Library | undefined;
      let subject: Subject | undefined;

      beforeAll(async () => {
        library = await createLibrary(hands, {
          years: 'yearly',
          albums: hands.uid === 0 ? 'symlink' : 'hardlink',
        });
        subject = await createSubject(driver, hands, library);
      }, 60_000);
      afterAll(async () => {
        if (subject !== undefined) await endSubject(subject);
        library?.remove();
      });

      const get = (): Subject => {
        if (subject === undefined) throw new Error('nothing is mounted');
        return subject;
      };
      for (const declare of groups) declare(get);
    },
  );
}
