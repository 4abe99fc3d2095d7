/** How the lab fails: one line `error: WHAT (WHERE): HOW TO FIX`, as `weft` does. */

export class LabFailure extends Error {
  readonly exitCode: number;

  constructor(what: string, where: string, fix: string, exitCode = 1) {
    super(`error: ${what} (${where}): ${fix}`);
    this.name = 'LabFailure';
    this.exitCode = exitCode;
  }
}
