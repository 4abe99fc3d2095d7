/** What the kernel serves to one plugin, held to the plugin's grants. */
import type { Handlers } from '../../bus/index.ts';
import { fail, formatKey, type KernelCalls, type ObjectKey, type WeftFailure } from '../../contract/system/index.ts';
import { type Pipeline, parseInputs, type Subject } from '../apply/index.ts';
import { failpoint } from '../failpoints/index.ts';
import { nameProblem, nameRule, type RegisteredPlugin, type Registry } from '../registry/index.ts';
import type { ObjectStore } from '../store/index.ts';
import type { PluginLinks } from './plugin-links.ts';

export interface SessionParts {
  readonly store: ObjectStore;
  readonly registry: Registry;
  readonly pipeline: Pipeline;
  readonly links: PluginLinks;
  /** A plugin began to serve. */
  readonly onReady: (plugin: string) => void;
}

/** @param plugin whose key opened the channel: what it may do follows from its manifest */
export function kernelCallsFor(plugin: RegisteredPlugin, parts: SessionParts): Handlers<KernelCalls> {
  const { store, pipeline, registry, links } = parts;
  const { name } = plugin;
  const subject: Subject = { kind: 'plugin', name };
  const rights = new Rights(plugin, parts);

  return {
    hello: (input) => {
      if (input.name !== name) throw fail('FORBIDDEN', `this channel is that of ${name}, not of ${input.name}`);
      if (input.manifestHash !== plugin.manifestHash) {
        throw fail('CONFLICT', `the manifest of ${name} is not the one that the kernel has read`, 'restart Weft after changing a plugin');
      }
      failpoint('session.hello');
      links.greeted(name);
      return { revision: store.revision, installed: registry.plugins.map((installed) => installed.name) };
    },
    ready: () => {
      rights.assertGreeted();
      failpoint('session.ready');
      if (links.ready(name)) parts.onReady(name);
      return {};
    },
    'objects.list': ({ kinds }) => {
      rights.assertReads(kinds);
      failpoint('session.before-list');
      return { revision: store.visibleRevision, objects: [...new Set(kinds)].flatMap((kind) => store.list(kind)) };
    },
    'objects.watch': ({ kinds, since }, { signal }) => {
      rights.assertReads(kinds);
      return store.watch(since, new Set(kinds), signal);
    },
    'objects.apply': async ({ apply, delete: keys }) => {
      rights.assertWrites([...apply.map(({ kind }) => kind), ...keys.map(({ kind }) => kind)]);
      const intent = { cascade: false, missingOk: true, dryRun: false, subject };
      const wanted = parseInputs(registry, apply);
      // to own something says that the owner is there
      rights.assertReads(wanted.flatMap(({ owners = [] }) => owners.map(({ kind }) => kind)));
      const { revision } = await pipeline.apply({ ...intent, apply: wanted, remove: keys.map((key) => ({ key })) });
      return { revision };
    },
    'objects.status': async ({ updates }) => {
      rights.assertOwns(updates.map(({ key }) => key));
      const revision = await pipeline.setStatus(updates, subject);
      failpoint('session.after-status');
      return { revision };
    },
    'objects.finalize': async ({ keys }) => {
      rights.assertOwns(keys);
      return { revision: await pipeline.finalize(keys, name) };
    },
    'alarm.set': async ({ key, severity, subject: concerned, text }) => {
      await pipeline.setAlarm(rights.alarmName(key), { severity, subject: concerned, text });
      return {};
    },
    'alarm.clear': async ({ key }) => {
      await pipeline.clearAlarm(rights.alarmName(key));
      return {};
    },
  };
}

class Rights {
  readonly #plugin: RegisteredPlugin;
  readonly #parts: SessionParts;

  constructor(plugin: RegisteredPlugin, parts: SessionParts) {
    this.#plugin = plugin;
    this.#parts = parts;
  }

  assertGreeted(): void {
    if (this.#parts.links.isGreeted(this.#plugin.name)) return;
    throw fail('UNAUTHENTICATED', `${this.#plugin.name} has not said hello`, 'call hello first');
  }

  assertReads(kinds: readonly string[]): void {
    this.assertGreeted();
    const visible = this.#parts.registry.visibleKinds(this.#plugin.name);
    const denied = kinds.find((kind) => !visible.has(kind));
    if (denied !== undefined) throw this.#ungranted('read', denied, 'reads');
  }

  assertWrites(kinds: readonly string[]): void {
    this.assertGreeted();
    const granted = this.#plugin.manifest?.grants.writes ?? [];
    const denied = kinds.find((kind) => !this.#owns(kind) && !granted.includes(kind));
    if (denied !== undefined) throw this.#ungranted('write', denied, 'writes');
  }

  assertOwns(keys: readonly ObjectKey[]): void {
    this.assertGreeted();
    const foreign = keys.find(({ kind }) => !this.#owns(kind));
    if (foreign === undefined) return;
    throw fail('FORBIDDEN', `${this.#plugin.name} does not own ${formatKey(foreign)}`, 'only the owner of a kind writes its status');
  }

  /** Alarms of all plugins share one space of names. */
  alarmName(key: string): string {
    this.assertGreeted();
    const name = `${this.#plugin.name}.${key}`;
    const problem = nameProblem(name);
    if (problem !== null) throw fail('MALFORMED', `the alarm ${name}: ${problem}`, nameRule);
    return name;
  }

  #owns(kind: string): boolean {
    return this.#parts.registry.kind(kind)?.plugin === this.#plugin.name;
  }

  #ungranted(verb: string, kind: string, grant: string): WeftFailure {
    return fail('FORBIDDEN', `${this.#plugin.name} may not ${verb} ${kind}`, `add it to grants.${grant} of the plugin`);
  }
}
