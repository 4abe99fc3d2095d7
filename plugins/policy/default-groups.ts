/** Makes the object `default` in each project that has none, so that it can be seen and edited. Ports behave by its usual rules without it, too. */
import { setTimeout as pause } from 'node:timers/promises';
import { defaultGroup } from '@weft/kernel/contract/net';
import { formatKey, type ObjectInput, type ObjectKey, type WeftObject } from '@weft/kernel/contract/system';
import { type ErrorCode, type ObjectCache, type PluginContext, toWeftError } from '@weft/kernel/sdk';
import { defaultRules } from './default-group.ts';

type Context = Pick<PluginContext<unknown>, 'apply'> & {
  readonly objects: Pick<ObjectCache, 'get' | 'list'>;
  readonly log: Pick<PluginContext<unknown>['log'], 'debug'>;
};

const projectsAtOnce = 500;
const firstPauseMs = 20;
const longestPauseMs = 2_000;
/** What the kernel says of a project that is gone, or in which somebody made a group `default` just now. What has changed tells what to do. */
const overtaken: readonly ErrorCode[] = ['INVALID', 'CONFLICT', 'FORBIDDEN'];

export class DefaultGroups {
  readonly #context: Context;
  #running = false;
  #wanted = false;
  #stopped = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** To be called when Projects or groups came or went. */
  changed(keys: readonly ObjectKey[]): void {
    if (keys.some(({ kind, name }) => kind === 'Project' || (kind === 'SecurityGroup' && name === defaultGroup))) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    this.#wanted = true;
    if (this.#running) return;
    this.#running = true;
    for (let failures = 0; this.#wanted && !this.#stopped; ) {
      this.#wanted = false;
      const left = await this.#make(this.#missing());
      if (!left) continue;
      this.#wanted = true;
      await pause(Math.min(firstPauseMs * 2 ** failures++, longestPauseMs), undefined, { ref: false });
    }
    this.#running = false;
  }

  #missing(): readonly string[] {
    const projects = this.#context.objects.list<WeftObject>('Project').filter(({ metadata }) => metadata.deletedAt === undefined);
    return projects
      .map(({ metadata }) => metadata.name)
      .filter((project) => this.#context.objects.get({ kind: 'SecurityGroup', project, name: defaultGroup }) === undefined);
  }

  /** Returns whether something is left that a later attempt may do. */
  async #make(projects: readonly string[]): Promise<boolean> {
    let left = false;
    for (let at = 0; at < projects.length; at += projectsAtOnce) {
      const part = projects.slice(at, at + projectsAtOnce);
      const failed = await this.#apply(part);
      // One that does not fit must not keep the others from theirs.
      const again = failed !== undefined && overtaken.includes(failed) && part.length > 1 ? await this.#oneByOne(part) : failed;
      left ||= again !== undefined && !overtaken.includes(again);
    }
    return left;
  }

  async #oneByOne(projects: readonly string[]): Promise<ErrorCode | undefined> {
    let worst: ErrorCode | undefined;
    for (const project of projects) {
      const failed = await this.#apply([project]);
      if (failed !== undefined && !overtaken.includes(failed)) worst = failed;
    }
    return worst;
  }

  async #apply(projects: readonly string[]): Promise<ErrorCode | undefined> {
    try {
      await this.#context.apply(projects.map(groupOf));
      return undefined;
    } catch (thrown) {
      const error = toWeftError(thrown);
      const object = formatKey({ kind: 'SecurityGroup', project: projects[0] ?? '', name: defaultGroup });
      this.#context.log.debug({ error, object, projects: projects.length }, 'the groups are not made now');
      return error.code;
    }
  }
}

/** It goes with its project. */
function groupOf(project: string): ObjectInput {
  return {
    kind: 'SecurityGroup',
    metadata: { name: defaultGroup, project, ownerReferences: [{ kind: 'Project', name: project }] },
    spec: { description: 'What ports follow that name no group', rules: defaultRules as unknown as readonly Record<string, unknown>[] },
  };
}
