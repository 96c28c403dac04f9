/** What the program asks the owner's permission for, and what is lost without it. */

import { GphotosfsError } from '../../model/errors.ts';

const base = 'https://www.googleapis.com/auth/';

/** What a permission is good for. All of them are for reading only. */
export const services = {
  library: {
    scope: `${base}photoslibrary.readonly.appcreateddata`,
    name: 'the Photos Library API (what your own client has uploaded)',
  },
  picker: {
    scope: `${base}photospicker.mediaitems.readonly`,
    name: 'the Photos Picker (photos you pick by hand)',
  },
  drive: {
    scope: `${base}drive.readonly`,
    name: 'Takeout archives in Google Drive',
  },
} as const;

export type Service = keyof typeof services;
export const serviceNames = Object.keys(services) as readonly Service[];

/** @throws `usage` for a name that is none of a service */
export function checkServices(names: readonly string[]): readonly Service[] {
  const unknown = names.find((name) => !Object.hasOwn(services, name));
  if (unknown === undefined) return serviceNames.filter((name) => names.includes(name));
  throw new GphotosfsError('usage', `there is no service "${unknown}"`, {
    hint: `Services: ${serviceNames.join(', ')}.`,
  });
}

/** Asked for beside them: they tell whose account it is, so that no other one takes its place. */
export const identityScopes = ['openid', 'email'] as const;

/** The services that a sign-in with these scopes allows. */
export function allowedServices(scopes: readonly string[]): readonly Service[] {
  return serviceNames.filter((name) => scopes.includes(services[name].scope));
}
