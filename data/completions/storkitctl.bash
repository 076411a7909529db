# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for storkitctl: storkitctl itself knows what may come next.

_storkitctl()
{
    local cur prev words cword
    _get_comp_words_by_ref -n =: cur prev words cword || return

    local file=
    case $cur in
    --project=* | --prompt-file=*)
        file=${cur%%=*}
        cur=${cur#*=}
        ;;
    *)
        file=$prev
        ;;
    esac
    case $file in
    -C | --project)
        _filedir -d
        return
        ;;
    --prompt-file)
        _filedir
        return
        ;;
    esac

    local IFS=$'\n'
    COMPREPLY=($(storkitctl _complete "${words[@]:1:cword}" 2>/dev/null))
    # What readline takes for words of their own is not replaced.
    if [[ $cur == *=* && $COMP_WORDBREAKS == *=* ]]; then
        COMPREPLY=("${COMPREPLY[@]#*=}")
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace
    fi
}

complete -F _storkitctl storkitctl
