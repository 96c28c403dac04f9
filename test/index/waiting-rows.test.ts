/** Rows that go in together: nobody who asks the index can tell that they waited. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rawStatement, statement, transaction } from '../../src/index/open.ts';
import { addRow } from '../../src/index/waiting-rows.ts';
import { openSyncHome, type SyncHome } from '../helpers/sync-home.ts';

let home: SyncHome;
beforeEach(() => {
  home = openSyncHome();
});
afterEach(() => home.dispose());

const into = 'setting (key, value)';
const add = (...names: string[]) => {
  for (const name of names) addRow(home.index, into, name, name);
};
const count = () =>
  (rawStatement(home.index, "SELECT count(*) FROM setting WHERE key LIKE 'w%'").get() as number[])[0];
const numbered = (length: number) => Array.from({ length }, (_, at) => `w${at}`);

describe('rows of a transaction', () => {
  it('are all there, however many they are', () => {
    for (const length of [1, 15, 16, 17, 100]) {
      transaction(home.index, () => {
        statement(home.index, "DELETE FROM setting WHERE key LIKE 'w%'").run();
        add(...numbered(length));
      });
      expect(count()).toBe(length);
    }
  });

  it('are seen by whoever asks before its end', () => {
    transaction(home.index, () => {
      add('w1');
      // It does wait: SQLite itself doesn't have it yet.
      expect(home.index.db.prepare("SELECT 1 FROM setting WHERE key = 'w1'").get()).toBeUndefined();
      expect(count()).toBe(1);
    });
  });

  it('go with it when it is taken back, and only they', () => {
    transaction(home.index, () => {
      add('w1');
      const inner = () =>
        transaction(home.index, () => {
          add('w2');
          throw new Error('taken back');
        });
      expect(inner).toThrow('taken back');
      add('w3');
    });
    expect(() =>
      transaction(home.index, () => {
        add('w4');
        throw new Error('taken back');
      }),
    ).toThrow('taken back');
    add('w5');
    const names = rawStatement(home.index, "SELECT key FROM setting WHERE key LIKE 'w%' ORDER BY key").all();
    expect(names.flat()).toEqual(['w1', 'w3', 'w5']);
  });

  it('fail it when one of them cannot be', () => {
    expect(() => transaction(home.index, () => add('w1', 'w1'))).toThrow('UNIQUE');
    expect(count()).toBe(0);
    add('w1');
    expect(count()).toBe(1);
  });
});
