/**
 * Where Google is: the base URLs of its services, and the hosts that may see the account's token. All are options, so
 * that the program can be pointed at a stand-in.
 */
import type { Settings } from '../../model/options.ts';

export interface Endpoints {
  /** The page where the owner agrees. */
  readonly consent: string;
  readonly token: string;
  readonly revoke: string;
  /** What stands before `/v1/mediaItems`. */
  readonly library: string;
  /** What stands before `/v1/sessions`. */
  readonly picker: string;
  /** What stands before `/files`. */
  readonly drive: string;
  /**
   * Hosts besides those of the three APIs that may get the token for bytes. `*` stands for one label; a pattern without a
   * scheme means https at its usual port.
   */
  readonly contentHosts: readonly string[];
}

/** The endpoints that the settings name. */
export function endpointsOf(settings: Settings): Endpoints {
  return {
    consent: settings.consentUrl,
    token: settings.tokenUrl,
    revoke: settings.revokeUrl,
    library: settings.libraryUrl,
    picker: settings.pickerUrl,
    drive: settings.driveUrl,
    contentHosts: settings.contentHosts.split(/[\s,]+/).filter((host) => host !== ''),
  };
}

/** Whether a request to `url` may carry the account's token. */
export function mayHaveToken(endpoints: Endpoints, url: URL): boolean {
  const { library, picker, drive, contentHosts } = endpoints;
  if ([library, picker, drive].some((base) => new URL(base).origin === url.origin)) return true;
  return contentHosts.some((pattern) => matches(pattern, url));
}

function matches(pattern: string, url: URL): boolean {
  const [, scheme = 'https', host = ''] = /^(?:(https?):\/\/)?(.*)$/.exec(pattern.toLowerCase()) ?? [];
  if (url.protocol !== `${scheme}:`) return false;
  const wanted = host.split('.');
  const given = url.host.split('.');
  return (
    wanted.length === given.length &&
    wanted.every((label, at) => (label === '*' ? given[at] !== '' : label === given[at]))
  );
}
