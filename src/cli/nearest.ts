/** What a misspelt word was meant to be. */

/** The word that is fewest edits away, where that is near enough to be meant. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const near = Math.max(2, Math.floor(word.length / 3));
  const rated = words.map((one) => ({ one, edits: editDistance(word.toLowerCase(), one.toLowerCase()) }));
  return rated.filter(({ edits }) => edits <= near).sort((a, b) => a.edits - b.edits)[0]?.one;
}

/** Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const edits = [(last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1)];
      if (swapped) edits.push((beforeLast[j - 2] ?? 0) + 1);
      row.push(Math.min(...edits));
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
