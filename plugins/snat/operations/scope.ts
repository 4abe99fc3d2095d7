/** What of the appliance a caller is told of. */
import type { OperationCall } from '@weft/kernel/sdk';

/** Project of a call that asks for all of them. */
const allProjects = '-';

/** `project`: empty for what belongs to none, such as a port whose object is gone: only who sees all projects is told. */
export function sees({ project: asked, projects }: Pick<OperationCall, 'project' | 'projects'>, project: string): boolean {
  return (asked === allProjects || asked === project) && projects?.includes(project) !== false;
}
