/** Which plugins shall run, and with which settings. PluginWish in the store. */
import type { PluginWish } from '../api/index.ts';
import type { Registry } from '../registry/index.ts';
import type { ObjectStore } from '../store/index.ts';

type Settings = Readonly<Record<string, unknown>>;

export class Enablement {
  readonly #store: ObjectStore;
  readonly #registry: Registry;
  readonly #configured: Readonly<Record<string, Settings>>;

  /** @param configured settings by plugin from the host's configuration; what was said over the API comes on top */
  constructor(store: ObjectStore, registry: Registry, configured: Readonly<Record<string, Settings>>) {
    this.#store = store;
    this.#registry = registry;
    this.#configured = configured;
  }

  /** All found plugins are enabled until somebody disables them. */
  isEnabled(plugin: string): boolean {
    return this.#read(plugin).enabled ?? true;
  }

  /** With the defaults of the plugin's schema filled. */
  settings(plugin: string): Settings {
    const given = { ...this.#configured[plugin], ...this.#read(plugin).settings };
    const validate = this.#registry.plugin(plugin)?.validateSettings;
    return validate === undefined ? given : (validate(given).value as Settings);
  }

  /** Why the plugin must not run, or null. */
  obstacle(plugin: string): string | null {
    const registered = this.#registry.plugin(plugin);
    if (registered === undefined) return 'it is not installed';
    if (registered.problem !== null) return registered.problem;
    if (!this.isEnabled(plugin)) return 'it is disabled';
    for (const kind of this.#registry.visibleKinds(plugin)) {
      const withdrawn = this.#registry.kind(kind)?.withdrawn;
      if (withdrawn !== undefined) return `objects of the kind ${kind} are not served: ${withdrawn}`;
    }
    const finding = registered.validateSettings?.(this.settings(plugin)).findings[0];
    return finding === undefined ? null : `its setting ${finding.pointer || '/'} ${finding.message}; ${finding.fix}`;
  }

  /** What disabling it would do, in sentences; none when it is disabled. */
  disabling(plugin: string): readonly string[] {
    const manifest = this.#registry.plugin(plugin)?.manifest;
    if (manifest === null || manifest === undefined || !this.isEnabled(plugin)) return [];
    const { counts } = this.#store;
    const present = manifest.kinds.flatMap(({ kind }) => ((counts[kind] ?? 0) > 0 ? [`${counts[kind]} ${kind}`] : []));
    const needing = this.#registry.plugins.filter(({ name, manifest }) => manifest?.needs.includes(plugin) && this.isEnabled(name));
    const objects = `these objects stay, and nobody serves or changes them until it is enabled again: ${present.join(', ')}`;
    const rows = `what it set in the forwarder (${manifest.grants.rows.join(', ')}) is removed: what depends on it ends at once`;
    const others = `plugins that need it do not work without it: ${needing.map(({ name }) => name).join(', ')}`;
    return [
      ...(manifest.whenDisabled === undefined ? [] : [manifest.whenDisabled]),
      ...(present.length > 0 ? [objects] : []),
      ...(manifest.grants.rows.length > 0 ? [rows] : []),
      ...(needing.length > 0 ? [others] : []),
    ];
  }

  /** Plugins that are missed while they are disabled: the text of an alarm, or null while there is nothing to tell. */
  missed(): readonly { readonly plugin: string; readonly text: string | null }[] {
    return this.#registry.plugins.flatMap(({ name: plugin, manifest }) => {
      if (manifest?.whenDisabled === undefined) return [];
      const text = `it is disabled: ${manifest.whenDisabled}; enable it: weft plugin enable ${plugin}`;
      return [{ plugin, text: this.isEnabled(plugin) ? null : text }];
    });
  }

  /** Resolves once it is on disk. */
  async change(plugin: string, wish: PluginWish): Promise<void> {
    await this.#store.saveSetting(`plugin/${plugin}`, { ...this.#read(plugin), ...wish });
  }

  #read(plugin: string): PluginWish {
    return this.#store.setting<PluginWish>(`plugin/${plugin}`) ?? {};
  }
}
