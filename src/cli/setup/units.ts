/**
 * The units for systemd: a service that keeps the mount up, and a timer that syncs and prefetches.
 *
 * What hardens a service differs. The prefetch is shut off from all that it doesn't need. A mount has to be made where
 * everybody sees it, so its service can't have a view of the file system of its own (ProtectSystem=, PrivateTmp= and
 * their like); and an ordinary user's is made by fusermount3, setuid root, which NoNewPrivileges= would take away, as
 * would every option that filters system calls (systemd.exec(5)).
 */
import { unitArgument, unitPath } from './quote.ts';
import type { Subject } from './subject.ts';

export interface TextFile {
  readonly name: string;
  readonly text: string;
}

export const mountUnitName = 'gphotosfs.service';
const prefetchUnitName = 'gphotosfs-prefetch.service';
export const timerName = 'gphotosfs-prefetch.timer';

export function mountUnit(subject: Subject, mountPoint: string): TextFile {
  const { program, forSystem, home, cachePath } = subject;
  return unit(mountUnitName, {
    Unit: [
      `Description=Google Photos at ${mountPoint.replaceAll('%', '%%')}`,
      'Documentation=man:gphotosfs(1)',
      ...(forSystem ? ['Wants=network-online.target', 'After=network-online.target'] : []),
      `RequiresMountsFor=${paths([home, cachePath])}`,
    ],
    Service: [
      'Type=notify',
      // The word comes from systemd-notify, a child of the service.
      'NotifyAccess=all',
      ...userOf(subject),
      `ExecStart=${command([...program, 'mount', mountPoint])}`,
      'Restart=on-failure',
      'RestartSec=10',
      'TimeoutStartSec=90',
      'TimeoutStopSec=30',
      'LimitCORE=0',
      'DevicePolicy=closed',
      'DeviceAllow=/dev/fuse rw',
      // mount(8) and fusermount3: mount, and be the user that asked for it.
      ...(forSystem
        ? [
            'CapabilityBoundingSet=CAP_SYS_ADMIN CAP_SETUID CAP_SETGID CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_CHOWN CAP_FOWNER',
          ]
        : []),
    ],
    Install: [`WantedBy=${forSystem ? 'multi-user.target' : 'default.target'}`],
  });
}

export function prefetchUnits(subject: Subject): TextFile[] {
  const { program, forSystem, home, cachePath, at } = subject;
  const service = unit(prefetchUnitName, {
    Unit: [
      'Description=Sync and prefetch Google Photos',
      'Documentation=man:gphotosfs(1)',
      ...(forSystem ? ['Wants=network-online.target', 'After=network-online.target'] : []),
      `RequiresMountsFor=${paths([home, cachePath])}`,
    ],
    Service: [
      'Type=oneshot',
      ...userOf(subject),
      // "-": what is known can be fetched also when a source could not be read; hooks and status tell of it.
      `ExecStart=-${command([...program, 'sync'])}`,
      `ExecStart=${command([...program, 'prefetch'])}`,
      'Nice=10',
      'IOSchedulingClass=idle',
      'LimitCORE=0',
      'NoNewPrivileges=yes',
      ...(forSystem ? sandbox(subject) : []),
    ],
  });
  const time = `${String(at.hour).padStart(2, '0')}:${String(at.minute).padStart(2, '0')}`;
  const timer = unit(timerName, {
    Unit: ['Description=Sync and prefetch Google Photos every night'],
    // Persistent: a machine that was off at the time makes up for it.
    Timer: [`OnCalendar=*-*-* ${time}:00`, 'RandomizedDelaySec=15min', 'Persistent=true'],
    Install: ['WantedBy=timers.target'],
  });
  return [service, timer];
}

/** Without MemoryDenyWriteExecute=, which no just-in-time compiler survives. */
function sandbox({ user, dataFolder, configFolder, cachePath }: Subject): string[] {
  return [
    // Root would not even read the archives of others any more.
    `CapabilityBoundingSet=${user === 'root' ? 'CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER' : ''}`,
    'ProtectSystem=strict',
    // Archives may lie in anybody's home.
    'ProtectHome=read-only',
    `ReadWritePaths=${paths([dataFolder, configFolder, cachePath], '-')}`,
    'PrivateTmp=yes',
    'PrivateDevices=yes',
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'LockPersonality=yes',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    // V8 asks for memory protection keys (pkey_alloc) and does without; by default it would be killed for that.
    'SystemCallErrorNumber=EPERM',
  ];
}

function userOf({ forSystem, user }: Subject): string[] {
  return forSystem ? [`User=${user}`] : [];
}

function command(args: readonly string[]): string {
  return args.map(unitArgument).join(' ');
}

function paths(all: readonly string[], prefix = ''): string {
  return [...new Set(all)].map((path) => unitPath(prefix + path)).join(' ');
}

function unit(name: string, sections: Readonly<Record<string, readonly string[]>>): TextFile {
  const texts = Object.entries(sections).map(([section, lines]) => `[${section}]\n${lines.join('\n')}\n`);
  return { name, text: `# Written by "gphotosfs setup systemd".\n${texts.join('\n')}` };
}
