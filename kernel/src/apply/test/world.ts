/** A small world for tests: a store in a temporary folder, two plugins with kinds that know nothing of networks, and an admitter that obeys. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AdmissionReply, AdmissionRequest, Manifest } from '../../../contract/system/index.ts';
import { type FoundPlugin, Registry, secretKind } from '../../registry/index.ts';
import { ObjectStore, Sealer } from '../../store/index.ts';
import type { Admitter } from '../admission.ts';
import { parseInputs } from '../input.ts';
import { type ApplyRequest, Pipeline } from '../pipeline.ts';
import { systemSubject } from '../subject.ts';

const none = { type: 'object', properties: {}, additionalProperties: false };

export const libraryManifest: Manifest = {
  name: 'library',
  version: '1.0.0',
  summary: 'Shelves and books',
  needs: [],
  kinds: [
    {
      kind: 'Shelf',
      plural: 'shelves',
      aliases: ['sh'],
      scope: 'project',
      summary: 'Holds books.',
      schemaVersion: 1,
      spec: {
        type: 'object',
        properties: {
          width: { type: 'integer', minimum: 1, maximum: 500, default: 80, description: 'Width in centimetres' },
          place: { type: 'string', enum: ['hall', 'cellar'], default: 'hall' },
        },
        additionalProperties: false,
      },
      status: { type: 'object' },
      references: [],
      columns: [],
      implied: ['floor'],
    },
    {
      kind: 'Book',
      plural: 'books',
      scope: 'project',
      summary: 'Stands on a shelf.',
      schemaVersion: 1,
      spec: {
        type: 'object',
        properties: { shelf: { type: 'string' }, see: { type: 'array', items: { type: 'string' }, default: [] } },
        required: ['shelf'],
        additionalProperties: false,
      },
      status: { type: 'object' },
      references: [
        { pointer: '/spec/shelf', kind: 'Shelf' },
        { pointer: '/spec/see/*', kind: 'Book' },
      ],
      columns: [],
    },
  ],
  operations: [
    {
      name: 'count',
      summary: 'Counts the books',
      stream: false,
      viewer: true,
      input: { type: 'object', properties: { shelf: { type: 'string' } }, additionalProperties: false },
      output: { type: 'object' },
    },
    {
      name: 'follow',
      summary: 'Follows the readers',
      stream: true,
      input: none,
      output: { type: 'object' },
      file: { mediaType: 'text/plain' },
    },
  ],
  puntClasses: [],
  grants: { rows: [], reads: ['Label'], writes: [] },
  config: { type: 'object', properties: { quiet: { type: 'boolean', default: true } }, additionalProperties: false },
};

export const labelsManifest: Manifest = {
  name: 'labels',
  version: '1.0.0',
  summary: 'Labels for books',
  needs: ['library'],
  kinds: [
    {
      kind: 'Label',
      plural: 'labels',
      scope: 'project',
      summary: 'Sticks to a book.',
      schemaVersion: 1,
      spec: { type: 'object', properties: { book: { type: 'string' } }, required: ['book'], additionalProperties: false },
      status: { type: 'object' },
      references: [{ pointer: '/spec/book', kind: 'Book' }],
      columns: [],
    },
  ],
  operations: [],
  puntClasses: [],
  grants: { rows: [], reads: ['Book'], writes: ['Shelf'] },
  config: none,
  whenDisabled: 'books have no labels',
};

export function foundPlugin(manifest: Manifest): FoundPlugin {
  return { name: manifest.name, folder: `/nowhere/${manifest.name}`, manifestHash: `hash of ${manifest.name}`, manifest, problem: null };
}

/** Admits everything unless told otherwise, and remembers what it was asked. */
export class ObedientAdmitter implements Admitter {
  readonly asked: { plugin: string; request: AdmissionRequest }[] = [];
  readonly down = new Map<string, string>();
  answer: (plugin: string, request: AdmissionRequest) => AdmissionReply | Promise<AdmissionReply> = () => ({ patches: [], refusals: [] });

  unavailable(plugin: string): string | null {
    return this.down.get(plugin) ?? null;
  }

  async admit(plugin: string, request: AdmissionRequest): Promise<AdmissionReply> {
    this.asked.push({ plugin, request });
    return await this.answer(plugin, request);
  }
}

export interface TestWorld {
  /** Folder of the store. */
  readonly path: string;
  readonly store: ObjectStore;
  readonly registry: Registry;
  readonly pipeline: Pipeline;
  readonly admitter: ObedientAdmitter;
  /** Applies documents as a user. */
  apply(documents: readonly unknown[], more?: Partial<ApplyRequest>): ReturnType<Pipeline['apply']>;
  close(): Promise<void>;
}

/** With the project `default` in it. @param more plugins besides library and labels */
export async function makeWorld(retention?: number, more: readonly Manifest[] = []): Promise<TestWorld> {
  const path = mkdtempSync(join(tmpdir(), 'weft-world-'));
  const store = new ObjectStore({
    path,
    ...(retention === undefined ? {} : { retention }),
    sealer: new Sealer([secretKind.kind], Buffer.alloc(32, 'test')),
  });
  const registry = new Registry([libraryManifest, labelsManifest, ...more].map(foundPlugin));
  const admitter = new ObedientAdmitter();
  const pipeline = new Pipeline(store, registry, admitter);
  const request: ApplyRequest = {
    apply: [],
    remove: [],
    cascade: false,
    missingOk: false,
    dryRun: false,
    subject: { kind: 'user', name: 'alice' },
  };
  const apply: TestWorld['apply'] = async (documents, more = {}) =>
    await pipeline.apply({ ...request, apply: parseInputs(registry, documents), ...more });
  await apply([{ kind: 'Project', metadata: { name: 'default' } }], { subject: systemSubject });
  return {
    path,
    store,
    registry,
    pipeline,
    admitter,
    apply,
    close: async () => {
      await pipeline.idle();
      await store.close();
      rmSync(path, { recursive: true });
    },
  };
}

export function shelf(name: string, spec: object = {}, metadata: object = {}): object {
  return { kind: 'Shelf', metadata: { name, ...metadata }, spec };
}

export function book(name: string, on: string, see: readonly string[] = [], metadata: object = {}): object {
  return { kind: 'Book', metadata: { name, ...metadata }, spec: { shelf: on, see } };
}
