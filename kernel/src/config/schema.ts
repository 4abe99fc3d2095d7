/** Every host setting, once: default, range, meaning. Plugins' own settings stand below `plugins` and are checked by their schemas. */
import convict from 'convict';
import type { Limits } from '../../contract/system/index.ts';
import { addFormats } from './formats.ts';

addFormats();

export const hostSchema = {
  stateDir: {
    doc: 'folder for everything that must survive a restart; --state-dir goes before it',
    format: 'absolute-path',
    default: '/var/lib/weft',
  },
  runDir: {
    doc: 'folder for sockets and locks and nothing else; empty: /run/weft, or /run/weft-<hash> with --state-dir',
    format: 'absolute-path-or-empty',
    default: '',
  },
  logLevel: {
    doc: 'least severity that is logged',
    format: ['trace', 'debug', 'info', 'warn', 'error'],
    default: 'info',
  },
  log: {
    maxMib: { doc: 'size at which a log becomes an older file, MiB', format: 'count:1:65536', default: 16 },
    files: { doc: 'files of each log, the one that is written to among them', format: 'count:2:100', default: 4 },
  },
  api: {
    socket: {
      doc: 'unix socket of the API; empty: api.sock in the run directory, or in the state directory with --state-dir; --api goes before it',
      format: 'absolute-path-or-empty',
      default: '',
    },
    admins: {
      doc: 'numeric user ids that may use the API beside root and its own',
      format: 'uids',
      default: [] as number[],
    },
    maxWatchers: {
      doc: 'callers that may watch at once; each needs a descriptor of the kernel, and some 20 KiB of its memory',
      format: 'count:1:1000000',
      default: 20_000,
    },
    tls: {
      listen: {
        doc: 'address and port on which the API listens with TLS, like 0.0.0.0:8082 or [::]:8082; empty: only on its unix socket',
        format: 'listen-address-or-empty',
        default: '',
      },
      certificate: {
        doc: 'PEM file of the certificate with its chain; empty: one made at the first start, tls/certificate.pem in the state directory',
        format: 'absolute-path-or-empty',
        default: '',
      },
      key: { doc: 'PEM file of its key', format: 'absolute-path-or-empty', default: '' },
      clientCa: {
        doc: 'PEM file of the authority whose client certificates are known as cert:COMMON-NAME; empty: callers need tokens',
        format: 'absolute-path-or-empty',
        default: '',
      },
      crl: {
        doc: 'PEM file of the revocation list of that authority: whose certificate stands in it is unknown; read at start',
        format: 'absolute-path-or-empty',
        default: '',
      },
    },
  },
  pluginDirs: {
    doc: 'folders whose subfolders are plugins; empty: the plugins that came with Weft',
    format: 'absolute-paths',
    default: [] as string[],
  },
  store: {
    retention: {
      doc: 'events that the change log keeps, for watches and history',
      format: 'count:100:10000000',
      default: 100_000,
    },
  },
  forwarder: {
    memoryMib: { doc: 'packet memory, MiB', format: 'count:64:65536', default: 64 },
    stateMib: { doc: 'state memory, MiB; unused parts cost nothing', format: 'count:4:65536', default: 512 },
    hugepages: { doc: 'take the packet memory from hugepages', format: 'switch', default: false },
    cpu: {
      doc: 'CPU of the first packet thread, the others on those that follow; -1: wherever the scheduler likes',
      format: 'count:-1:1023',
      default: -1,
    },
    packetThreads: { doc: 'threads that forward; more than one pays with as many CPUs to spare', format: 'count:1:8', default: 1 },
    maxPorts: { doc: 'ports that may exist at once', format: 'count:1:65536', default: 16_384 },
    flows: {
      pairs: {
        doc: 'flows that are remembered; each takes 256 bytes of memory in tmpfs while it lives, and at most 320 bytes in all',
        format: 'count:64:16777216',
        default: 524_288,
      },
      portPercent: { doc: 'share of them that flows from one port may take, percent', format: 'count:1:100', default: 25 },
      tcpEstablished: {
        doc: 'seconds without a packet after which an open TCP connection is forgotten',
        format: 'count:1:2592000',
        default: 7_440,
      },
      tcpTransitory: { doc: 'the same of TCP connections that begin or end', format: 'count:1:2592000', default: 240 },
      udp: { doc: 'the same of UDP', format: 'count:1:2592000', default: 300 },
      icmp: { doc: 'the same of ICMP and ICMPv6', format: 'count:1:2592000', default: 60 },
      other: { doc: 'the same of all other protocols', format: 'count:1:2592000', default: 300 },
      tcpPickup: {
        doc: 'a TCP segment without SYN that belongs to no flow: forward: judged as if it were the first of its direction; either: allowed when either direction would be; never: dropped as tcp-mid-stream',
        format: ['forward', 'either', 'never'],
        default: 'forward',
      },
    },
    nat: {
      addresses: {
        doc: 'addresses that ports may share on their way out, at a time; each takes at most 7 MiB of memory in tmpfs',
        format: 'count:1:1024',
        default: 16,
      },
      reuseWait: {
        doc: 'seconds in which an outside port is given to nobody else after its last flow (RFC 6888 section 3, REQ-8)',
        format: 'count:1:86400',
        default: 120,
      },
    },
    debug: { faults: { doc: 'serve the calls that break the forwarder on purpose, for tests', format: 'switch', default: false } },
  },
  limits: {
    doc: "what a plugin may use, by its name, where it is not as in the plugin's own definition: memoryMib, cpuPercent (of one CPU), tasks, stateMib",
    format: 'object',
    default: {} as Record<string, Partial<Limits>>,
  },
  plugins: {
    doc: 'settings of each plugin, by its name; see the README of the plugin',
    format: 'object',
    default: {} as Record<string, Record<string, unknown>>,
  },
};

/** A set of settings, all at their defaults. */
export function newConfig() {
  return convict(hostSchema);
}

/** Checked settings. */
export type HostSettings = ReturnType<ReturnType<typeof newConfig>['getProperties']>;
