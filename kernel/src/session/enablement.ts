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
    const finding = registered.validateSettings?.(this.settings(plugin)).findings[0];
    return finding === undefined ? null : `its setting ${finding.pointer || '/'} ${finding.message}; ${finding.fix}`;
  }

  /** Resolves once it is on disk. */
  async change(plugin: string, wish: PluginWish): Promise<void> {
    await this.#store.saveSetting(`plugin/${plugin}`, { ...this.#read(plugin), ...wish });
  }

  #read(plugin: string): PluginWish {
    return this.#store.setting<PluginWish>(`plugin/${plugin}`) ?? {};
  }
}
