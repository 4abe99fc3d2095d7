import test, { type ExecutionContext } from 'ava';
import { errorCodes } from '../contract/system/index.ts';
import { FakeApi, type Outcome, weft } from './test/fake-api.ts';

const settings = {
  type: 'object',
  properties: {
    api: {
      type: 'object',
      properties: {
        socket: { type: 'string', format: 'path', default: '', description: 'where it listens' },
        tls: { type: 'object', properties: { key: { type: 'string', format: 'path', default: '', description: 'file of the key' } } },
      },
    },
    plugins: {
      type: 'object',
      default: {},
      description: 'of each plugin',
      properties: {
        toys: {
          type: 'object',
          properties: { waitMs: { type: 'integer', minimum: 1, maximum: 9, default: 5, description: 'Patience, ms.' } },
        },
      },
    },
  },
};
const words = { items: [{ name: 'too-big', meaning: 'It did not fit.', advice: 'Make it smaller.' }] };
const glossary = { plugin: 'toys', name: 'reasons', summary: 'Why', stream: false, viewer: true, input: {}, output: {}, glossary: 'drop' };
const count = { type: 'object', properties: { count: { type: 'integer', description: 'How many.' } } };
const play = {
  plugin: 'toys',
  name: 'play',
  summary: 'Plays',
  stream: true,
  input: count,
  output: count,
  cli: { verb: 'play-now', columns: [] },
};

async function explain(t: ExecutionContext, ...args: string[]): Promise<Outcome> {
  const api = await new FakeApi({
    'GET /v1/settings': () => settings,
    'GET /v1/operations': () => [glossary, play],
    'POST /v1/-/operations/toys.reasons': () => words,
    'GET /v1/plugins/toys': () => ({
      ...{
        name: 'toys',
        version: '1.2',
        state: 'running',
        summary: 'Things to play with',
        needs: ['box'],
        kinds: ['Ball'],
        operations: ['play'],
      },
    }),
  }).start();
  t.teardown(() => api.stop());
  return await weft(api.address, ['explain', ...args]);
}

const said: [args: string, out: string][] = [
  ['settings.api.tls', 'settings\napi.tls <object>\n  api.tls.key <string (path), default "">\n      file of the key\n'],
  ['settings.plugins.toys.waitMs', 'settings\nplugins.toys.waitMs <integer 1–9, default 5>\n    Patience, ms.\n'],
  ['settings plugins.toys.waitMs', 'settings\nplugins.toys.waitMs <integer 1–9, default 5>\n    Patience, ms.\n'],
  ['drop too-big', 'drop too-big\n\nIt did not fit.\nWhat to do: Make it smaller.\n'],
  ['drop', 'DROP     MEANING\ntoo-big  It did not fit.\n'],
  [
    'play-now',
    'operation toys.play, weft play-now\nPlays\nOperators may run it.\n\ninput:\n  count <integer>\n      How many.\n\neach item:\n  count <integer>\n      How many.\n',
  ],
  [
    'plugin toys',
    'plugin toys 1.2, running\nThings to play with\nneeds the plugins: box\nkinds: Ball\noperations: play\n\nsettings:\n  waitMs <integer 1–9, default 5>\n      Patience, ms.\n',
  ],
];
for (const [args, out] of said)
  test(`explain ${args}`, async (t) => {
    const outcome = await explain(t, ...args.split(' '));
    t.deepEqual({ code: outcome.code, out: outcome.out, err: outcome.err }, { code: 0, out, err: '' });
  });

test('an operation is found by each of its names', async (t) => {
  const texts = await Promise.all(['toys.play', 'play', 'play-now'].map(async (name) => (await explain(t, 'operation', name)).out));
  t.is(new Set(texts).size, 1);
  t.regex(texts[0] ?? '', /^operation toys\.play/);
});

test('every error code is explained, in any case, and listed', async (t) => {
  const list = (await explain(t, 'error')).out;
  for (const code of Object.keys(errorCodes)) {
    t.true(list.includes(`${code} `), code);
    t.regex(
      (await explain(t, 'error', code.toLowerCase())).out,
      new RegExp(`^${code} \\(HTTP status \\d{3}\\): .+\\n\\n.+\\nUsual cause: .+\\nWhat to do: .+\\n$`),
    );
  }
});

const refused: [args: string, err: string][] = [
  ['settings.api.nothing', 'error: settings has no field "api.nothing" (settings): fields are: api, plugins\n'],
  ['drop nothing', 'error: there is no drop "nothing" (drop): list them with: weft explain drop\n'],
  ['operation nothing', 'error: there is no operation "nothing" (operation): use one of toys.play, toys.reasons\n'],
  ['nothing', 'error: there is no kind "nothing" (KIND): use one of Port, Project\n'],
  ['port network', 'error: "port" explains nothing called "network" (explain port): write KIND.FIELD, or see: weft explain --help\n'],
];
for (const [args, err] of refused)
  test(`explain ${args} is refused with what there is`, async (t) => {
    const outcome = await explain(t, ...args.split(' '));
    t.deepEqual({ code: outcome.code, err: outcome.err }, { code: 1, err });
  });

test('an unknown error code names the codes', async (t) => {
  t.regex((await explain(t, 'error', 'nothing')).err, /^error: there is no error code "nothing" \(error\): use one of INVALID, .+\n$/);
});
