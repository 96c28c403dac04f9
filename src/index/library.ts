/** The library in the index, by its parts; import the part that is meant. */
export * from './items.ts';
export * from './locations.ts';
export * from './revisions.ts';
