/** How the command fails: lines `error: WHAT (WHERE): HOW TO FIX` on stderr and an exit code. */
import type { FieldError } from '../contract/system/index.ts';

/** 1 failed, 2 wrong usage, 3 not ready in time. */
export const exitCodes = { failed: 1, usage: 2, notInTime: 3 } as const;

/** One finding; printed as one line. */
export interface Finding {
  readonly what: string;
  readonly where: string;
  readonly fix: string;
}

export class CommandFailure extends Error {
  readonly findings: readonly Finding[];
  readonly exitCode: number;
  /** The API's error code, when the API refused. */
  readonly code: string | undefined;

  constructor(findings: readonly Finding[], exitCode: number = exitCodes.failed, code?: string) {
    super(findings.map(formatFinding).join('\n'));
    this.name = 'CommandFailure';
    this.findings = findings;
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** Shorthand for one finding: `throw failure('no such file', 'net.yaml', 'name a file that exists')`. */
export function failure(what: string, where: string, fix: string, exitCode: number = exitCodes.failed): CommandFailure {
  return new CommandFailure([{ what, where, fix }], exitCode);
}

/** `error: WHAT (WHERE): HOW TO FIX`, on one line. */
export function formatFinding({ what, where, fix }: Finding): string {
  return `error: ${oneLine(what)} (${oneLine(where)}): ${oneLine(fix)}`;
}

function oneLine(text: string): string {
  return visible(text.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, ''));
}

/** Control characters made visible: names and texts from elsewhere must not steer the terminal. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** The parts of an RFC 9457 problem document that the command reads. */
interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
  readonly fix?: string;
  readonly errors?: readonly FieldError[];
}

/** A problem document as a failure: one line for each field error, or one for the whole. `where` names what was asked for. */
export function fromProblem(problem: Problem, status: number, where: string): CommandFailure {
  const fields = Array.isArray(problem.errors) ? (problem.errors as readonly FieldError[]) : [];
  if (fields.length > 0) {
    const findings = fields.map(({ object, pointer, message, fix }) => ({
      what: message,
      where: [object, pointer].filter((part) => part !== '').join(' ') || where,
      fix: fix || adviceFor(status),
    }));
    return new CommandFailure(findings, exitCodes.failed, problem.code);
  }
  // what answers may be something else than Weft
  const [what = `the API answered ${status}`] = [problem.detail, problem.title].filter((text) => typeof text === 'string');
  const fix = typeof problem.fix === 'string' ? problem.fix : '';
  return new CommandFailure([{ what, where, fix: fix || adviceFor(status) }], exitCodes.failed, problem.code);
}

/** What to do about an HTTP status for which the API named no fix. */
function adviceFor(status: number): string {
  if (status === 401 || status === 403) return 'use an account that may do this, e.g. root on the appliance';
  if (status === 404) return 'list what there is with: weft get KIND';
  if (status === 409 || status === 412) return 'read the object again with: weft get KIND NAME, then repeat';
  if (status === 413) return 'send it in smaller parts';
  if (status >= 500) return 'see: weft status, and the kernel.log in the state directory';
  return 'correct the input and repeat';
}
