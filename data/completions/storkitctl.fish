# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for storkitctl: storkitctl itself knows what may come next.

function __storkitctl_complete
    set -l words (commandline -opc) (commandline -ct)
    storkitctl _complete $words[2..-1] 2>/dev/null
end

complete -c storkitctl -f -a '(__storkitctl_complete)'
complete -c storkitctl -s C -l project -x -a '(__fish_complete_directories)'
complete -c storkitctl -l prompt-file -r -F
