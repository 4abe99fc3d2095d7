/** Who is behind a port number, and how its network is answered: indexes over the object cache. */
import type { Port, VirtualNetwork } from '@weft/kernel/contract/net';
import { formatKey, keyOf, referencedKey, type WeftObject } from '@weft/kernel/contract/system';
import { type ObjectCache, PortIndex } from '@weft/kernel/sdk';
import { SiteCache } from './builtin/site-cache.ts';
import { type Claims, portClaim } from './claims.ts';
import type { MetadataConfig } from './config.ts';
import type { Guest } from './guest.ts';
import type { InstanceData } from './kinds.ts';
import { type Policy, policyOf } from './policy.ts';

const mebibyte = 1024 * 1024;

type Project = WeftObject<object, { readonly uuid: string }>;
type Config = Pick<MetadataConfig, 'mode' | 'availabilityZone' | 'cacheMib'>;

export class Directory {
  readonly sites: SiteCache;
  readonly #objects: Pick<ObjectCache, 'get'>;
  readonly #claims: Claims;
  readonly #config: Config;
  readonly #ports = new PortIndex();

  constructor(objects: Pick<ObjectCache, 'get'>, claims: Claims, config: Config) {
    this.#objects = objects;
    this.#claims = claims;
    this.#config = config;
    this.sites = new SiteCache(config.cacheMib * mebibyte);
  }

  /** To be told of every change. Returns the uid of a port that is no more. */
  follow(before: WeftObject | undefined, after: WeftObject | undefined): string | undefined {
    this.#claims.follow(before, after);
    const port = (after ?? before) as unknown as Port | undefined;
    if (port?.kind !== 'Port') return undefined;
    this.#ports.put(keyOf(port), after as Port | undefined);
    const gone = before?.metadata.uid;
    if (gone === undefined || gone === after?.metadata.uid) return undefined;
    this.sites.drop(gone);
    return gone;
  }

  /** Undefined while Port or VirtualNetwork are not (or no longer) known. */
  guest(number: number): Guest | undefined {
    const port = this.#ports.get(number);
    const network = port && this.networkOf(port);
    if (port === undefined || network?.status.id === undefined) return undefined;
    const { project } = port.metadata;
    const projectUuid = this.#objects.get<Project>({ kind: 'Project', name: project ?? '' })?.status.uuid ?? '';
    const data = this.#claims.get<InstanceData>(portClaim(formatKey(keyOf(port))))?.spec;
    return { port, network, projectUuid, data, availabilityZone: this.#config.availabilityZone };
  }

  networkOf({ spec, metadata }: Port): VirtualNetwork | undefined {
    return this.#objects.get<VirtualNetwork>(referencedKey('VirtualNetwork', spec.network, metadata.project));
  }

  policy(network: VirtualNetwork): Policy {
    return policyOf(network, this.#claims, this.#config);
  }
}
