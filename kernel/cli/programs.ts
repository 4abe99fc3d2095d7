/** Other programs of the clone that the command hands over to. */
import { join } from 'node:path';

const top = join(import.meta.dirname, '..', '..');

export const launcherProgram = join(top, 'kernel', 'src', 'boot', 'launcher.ts');
export const downProgram = join(top, 'kernel', 'src', 'boot', 'down.ts');
export const restoreProgram = join(top, 'kernel', 'src', 'boot', 'restore.ts');
export const labProgram = join(top, 'appliance', 'lab', 'main.ts');
