/** `core completion SHELL`: a short script for the shell; the candidates come from `core __complete`, so that all three offer the same. */
import { CoreError } from '../../errors/index.js';
import { defineCommand } from '../define.js';

const BASH = String.raw`_core() {
  local IFS=$'\n'
  COMPREPLY=($(core __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -o default -F _core core
`;

const ZSH = String.raw`#compdef core
_core() {
  local -a candidates
  local line
  while IFS= read -r line; do
    candidates+=("\${\${line%%$'\t'*}//:/\\:}:\${line#*$'\t'}")
  done < <(core __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe core candidates || _files
}
compdef _core core
`;

const FISH = String.raw`complete -c core -f -a '(core __complete (commandline -opc)[2..] (commandline -ct))'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: unescape(BASH), zsh: unescape(ZSH), fish: FISH };

export default defineCommand({
  define: (program) =>
    program.argument('<shell>', 'bash, zsh or fish').addHelpText(
      'after',
      `
bash: core completion bash > /etc/bash_completion.d/core
zsh:  core completion zsh > "\${fpath[1]}/_core"
fish: core completion fish > ~/.config/fish/completions/core.fish`,
    ),
  run: async (cli, [shell = '']) => {
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
    if (script === undefined) throw new CoreError('E_INVALID', { message: `${shell} is no shell of ours`, hint: 'Choose bash, zsh or fish.' });
    cli.print({ shell, script }, script);
  },
});

/** In a template a dollar before a brace must be escaped; `String.raw` keeps the backslash. */
function unescape(script: string): string {
  return script.replaceAll('\\${', '${');
}
