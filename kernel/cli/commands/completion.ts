/** `weft completion`: makes a shell complete commands, options, kinds, names and plugins, by asking the command itself. */
import { type Command, CommanderError } from 'commander';
import { candidates } from '../candidates.ts';
import type { Session } from '../session.ts';

/** A shell waits for it: whatever the API has not said by then is not offered. */
const longestMs = 1_000;
const shells: Readonly<Record<string, string>> = {
  bash: `_weft() {
  mapfile -t COMPREPLY < <(weft complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _weft weft
`,
  zsh: `#compdef weft
_weft() {
  local -a found
  found=("\${(@f)$(weft complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found[1]" ]]; then compadd -Q -a found; else _files; fi
}
compdef _weft weft
`,
  fish: `function __weft_complete
  set -l words (commandline -opc) (commandline -ct)
  weft complete -- $words[2..-1] 2>/dev/null
end
complete -c weft -a '(__weft_complete)'
`,
};

export function addCompletion(program: Command, session: Session): void {
  program
    .command('completion')
    .description('print a script that makes your shell complete weft; bash: source <(weft completion bash)')
    .argument('<shell>', Object.keys(shells).join(', '))
    .action((shell: string) => {
      const script = shells[shell];
      if (script === undefined)
        throw new CommanderError(2, 'weft.usage', `unknown shell "${shell}": use ${Object.keys(shells).join(', ')}`);
      session.io.out(script);
    });
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const client = session.clientWithin(longestMs);
      const timer = setTimeout(() => client.close(), longestMs);
      for (const candidate of await candidates(session, client, program, words)) session.io.out(`${candidate}\n`);
      clearTimeout(timer);
    });
}
