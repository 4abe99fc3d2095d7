/** Holds answers to the served description: status, media type and body must be what it says for this path and method. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

type Json = Record<string, unknown>;

/** Paths of the description, by method, with what each answers. */
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Response {
  readonly content: Readonly<Record<string, { readonly schema: Json }>>;
}

export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

interface Template {
  readonly form: RegExp;
  readonly parameters: number;
  readonly path: string;
}

const problem = { $ref: '#/components/schemas/Problem' };
const anything = { type: 'object' };
/** What every path that does not exist may answer. */
const elsewhere = [400, 401, 403, 404];

export class Conformance {
  readonly #description: Description;
  readonly #templates: readonly Template[];
  readonly #ajv = new Ajv2020({ strict: false, allErrors: false, logger: false });
  readonly #validators = new Map<object, ValidateFunction>();

  constructor(description: object) {
    this.#description = closed(description) as Description;
    formats.default(this.#ajv);
    this.#ajv.addSchema({ $id: 'weft:api', components: this.#description.components });
    this.#templates = Object.keys(this.#description.paths)
      .map((path) => {
        const form = path.split(/\{\w+\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
        return { path, parameters: form.length - 1, form: new RegExp(`^${form.join('[^/]*')}$`) };
      })
      .sort((a, b) => a.parameters - b.parameters);
  }

  /** What is wrong with an answer; null when nothing is. */
  problem(method: string, url: string, answer: Answer): string | null {
    const where = `${method} ${url.slice(0, 200)} → ${answer.statusCode}`;
    const responses = this.#responses(method === 'HEAD' ? 'get' : method.toLowerCase(), url);
    const described = responses === null ? this.#ofNoPath(answer.statusCode) : responses[answer.statusCode];
    if (described === undefined) return `${where}: the status is not documented; ${answer.body.slice(0, 500)}`;
    if (answer.headers['x-request-id'] === undefined) return `${where}: has no X-Request-Id`;
    if (method === 'HEAD') return null;
    const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? '';
    const { content } = this.#resolved(described) as unknown as Response;
    const schema = content[type]?.schema;
    if (schema === undefined) return `${where}: media type "${type}" is not documented`;
    return this.#bodyProblem(where, type, schema, answer.body);
  }

  #bodyProblem(where: string, type: string, schema: Json, body: string): string | null {
    if (type === 'text/event-stream') return this.#eventProblem(where, schema, body);
    if (!/[/+]json$/.test(type)) return null;
    return this.#mismatch(where, schema, JSON.parse(body));
  }

  #eventProblem(where: string, schema: Json, body: string): string | null {
    for (const [, event = '', data = ''] of body.matchAll(/^event: (.*)\ndata: (.*)$/gm)) {
      const wanted = event === 'error' ? problem : event === 'end' ? anything : schema;
      const wrong = this.#mismatch(`${where} event ${event}`, wanted, JSON.parse(data));
      if (wrong !== null) return wrong;
    }
    return null;
  }

  #mismatch(where: string, schema: Json, value: unknown): string | null {
    const validate = this.#validatorOf(schema);
    if (validate(value)) return null;
    const [error] = validate.errors ?? [];
    return `${where}: ${error?.instancePath} ${error?.message} ${JSON.stringify(error?.params)}; ${JSON.stringify(value).slice(0, 1_000)}`;
  }

  #validatorOf(schema: Json): ValidateFunction {
    const known = this.#validators.get(schema);
    if (known !== undefined) return known;
    const made = this.#ajv.compile(absolute(schema) as Json);
    this.#validators.set(schema, made);
    return made;
  }

  #responses(method: string, url: string): Readonly<Record<string, Json>> | null {
    const [path = ''] = url.split('?');
    const fitting = this.#templates.filter(({ form }) => form.test(path)).map((template) => this.#description.paths[template.path]);
    const operation = fitting.find((item) => item?.[method] !== undefined)?.[method];
    return operation === undefined ? null : (operation as { responses: Record<string, Json> }).responses;
  }

  #ofNoPath(status: number): Json | undefined {
    return elsewhere.includes(status) ? { $ref: `#/components/responses/Problem${status}` } : undefined;
  }

  #resolved(value: Json): Json {
    const [, section, name] = /^#\/components\/(\w+)\/(\w+)$/.exec(String(value.$ref)) ?? [];
    return section === undefined || name === undefined ? value : (this.#description.components[section]?.[name] as Json);
  }
}

/** References that hold from anywhere. */
function absolute(value: unknown): unknown {
  return changed(value, (record) => {
    const { $ref } = record;
    return typeof $ref === 'string' && $ref.startsWith('#') ? { ...record, $ref: `weft:api${$ref}` } : record;
  });
}

/** With no fields but those that are described: what is left out there would go unseen. */
function closed(value: unknown): unknown {
  return changed(value, (record) => {
    const open = record.type === 'object' && record.properties !== undefined && record.additionalProperties === undefined;
    return open ? { ...record, additionalProperties: false } : record;
  });
}

function changed(value: unknown, change: (record: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((item) => changed(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return change(Object.fromEntries(Object.entries(value).map(([name, item]) => [name, changed(item, change)])));
}
