/** `weft token issue`: prints a token of a Token object, the only time that it is seen. */
import type { Command } from 'commander';
import type { Session } from '../session.ts';

export function addToken(program: Command, session: Session): void {
  const token = program.command('token').description('tokens for callers of the API');
  token
    .command('issue')
    .description('print a token, once; the one before it is worth nothing any more')
    .argument('<name>', 'of the Token object')
    .action(async (name: string) => {
      const path = `/v1/tokens/${encodeURIComponent(name)}/issue`;
      const reply = await session.client.json<{ token: string }>(path, { method: 'POST', about: `Token ${name}` });
      session.io.out(`${reply.token}\n`);
    });
}
