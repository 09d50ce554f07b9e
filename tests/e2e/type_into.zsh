#!/usr/bin/env -S zsh -f
# type_into.zsh SHELL FOLDER TEXT...: types each TEXT and TAB into an interactive SHELL (bash, zsh or fish) in which the
# completion is loaded, then ENTER, and prints the words that the command then gets, each in <>, all of a TEXT in a line.
# The command itself does nothing, except when the completion asks it. FOLDER is the shell's home.
zmodload zsh/zpty
shell=$1 folder=$2
shift 2
case $shell in
bash)
    flags=(--norc --noprofile -i)
    cat >"$folder/setup" <<'END'
PS1= PS2=
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
source <(secure-mcp-gateway completion bash)
secure-mcp-gateway() {
    [[ $1 == __complete ]] && { command secure-mcp-gateway "$@"; return; }
    printf 'WORDS'
    printf '<%s>' "$@"
    printf '%s\n' END
}
END
    ;;
zsh)
    flags=(-f -i)
    cat >"$folder/setup" <<'END'
PS1= PS2= RPS1=
unset zle_bracketed_paste
unsetopt prompt_cr prompt_sp list_beep
autoload -Uz compinit
compinit -u -D
source <(secure-mcp-gateway completion zsh)
secure-mcp-gateway() {
    [[ $1 == __complete ]] && { command secure-mcp-gateway "$@"; return; }
    printf 'WORDS'
    printf '<%s>' "$@"
    printf '%s\n' END
}
END
    ;;
fish)
    flags=(--no-config -i)
    cat >"$folder/setup" <<'END'
function fish_prompt; end
function fish_greeting; end
secure-mcp-gateway completion fish | source
function secure-mcp-gateway
    if test "$argv[1]" = __complete
        command secure-mcp-gateway $argv
        return
    end
    printf WORDS
    printf '<%s>' $argv
    printf '%s\n' END
end
END
    ;;
*)
    print -u 2 "usage: type_into.zsh bash|zsh|fish FOLDER TEXT..."
    exit 2
    ;;
esac

# Reads until a line holds END, or the time is up; prints the words.
answer() {
    local piece all=
    integer tries=0
    while (( tries++ < 1000 )); do
        if zpty -r -t pty piece; then
            all+=$piece
            [[ $all == *WORDS*END* ]] && break
        else
            sleep 0.02
        fi
    done
    [[ -n ${TYPE_DEBUG-} ]] && print -r -- "${(V)all}" >&2
    print -r -- "$all" | tr -d '\r' | sed -n 's/.*WORDS\(<.*>\)END.*/\1/p'
}

zpty pty env -i PATH=${(q)PATH} HOME=${(q)folder} LC_ALL=C.UTF-8 TERM=xterm COLUMNS=500 \
    SECURE_MCP_GATEWAY_HOME=${(q)SECURE_MCP_GATEWAY_HOME} $shell $flags
zpty -w pty "stty cols 500; source ${(q)folder}/setup; secure-mcp-gateway ready"
answer >/dev/null
for text in "$@"; do
    sleep 0.1
    zpty -w -n pty "$text"$'\t'
    sleep 0.4
    zpty -w -n pty $'\r'
    answer
done
zpty -d pty
