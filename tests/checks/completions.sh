#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The completions know what --help shows: for run and for map each long option, and no other. bash and zsh are asked themselves, by calling
# their functions; where one is not installed its part is left out, and with neither this is skipped.
set -u
LC_ALL=C
export LC_ALL

folder=${BROOD_SRCDIR:?}/tools/completion
command=${BROOD_COMMAND:-}
[ -n "$command" ] && [ -x "$command" ] || { echo "BROOD_COMMAND does not say where the command is"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0
checked=

fault()
{
	echo "$*"
	bad=1
}

# The long options among the words of stdin, sorted: with or without a value, in the spelling of --help or of a shell.
long_options()
{
	grep -o -e '--[a-z][a-z-]*' | sort -u
}

# --help shows an option at the start of a line, behind its letter; examples and words mention others.
help_of()
{
	"$command" "$1" --help | sed -n 's/^  \(    \|-., \)\(--[a-z-]*\).*/\2/p' | sort -u
}

compare()
{
	diff -u "$2" "$3" >"$work/diff" || { fault "$1 differ from --help (-):"; cat "$work/diff"; }
}

for verb in run map; do
	help_of $verb >"$work/$verb"
	[ "$(wc -l <"$work/$verb")" -ge 15 ] || fault "brood $verb --help shows hardly an option"
done

# ---- bash -----------------------------------------------------------------------------------------------------

# Complete the last of these words, as readline would ask for it.
in_bash()
{
	BROOD_COMPLETION=$folder/brood.bash bash --norc --noprofile -c '
		source "$BROOD_COMPLETION" || exit 1
		[ "$(complete -p brood)" = "complete -F _brood brood" ] || exit 1
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		COMP_LINE=$*
		COMP_POINT=${#COMP_LINE}
		_brood brood "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$@" || fault "bash cannot complete: $*"
}

# What is expected, then the words.
expect_in_bash()
{
	expected=$1
	shift
	got=$(in_bash "$@" | tr '\n' ' ')
	[ "$got" = "$expected " ] || fault "bash completes '$*' to '$got', not '$expected'"
}

check_bash()
{
	for verb in run map; do
		in_bash brood $verb -- | long_options >"$work/bash-$verb"
		compare "the options of $verb in brood.bash" "$work/$verb" "$work/bash-$verb"
	done
	expect_in_bash map brood ma
	expect_in_bash 'run map' brood help ''
	expect_in_bash --timeout brood run --ti
	expect_in_bash --keep-order brood map -j 4 --keep
	expect_in_bash INT brood run -s IN
	expect_in_bash SIGINT brood run --signal = sigin
	expect_in_bash --signal=INT brood run --signal=IN
	expect_in_bash always brood map --bar = al
	expect_in_bash 'auto always never' brood map --bar =
	mkdir "$work/a folder" && : >"$work/a file"
	expect_in_bash "$work/a folder" brood run -C "$work/a"
	expect_in_bash "$work/a folder" brood map -qC "$work/a f"o
	expect_in_bash "$work/a file" brood map --log = "$work/a fi"
	expect_in_bash "$work/a file" brood map 'wc {}' ::: "$work/a fi"
	# Behind the first operand an option is the command's own: there is no file of that name.
	expect_in_bash '' brood run -t 5 ls --ti
	expect_in_bash '' brood run -C -- -- --ti
	expect_in_bash --timeout brood run -C -- --ti
	# Names, and words that stand there already, are never run.
	: >"$work/\$(touch made)" && : >"$work/;touch made"
	expect_in_bash "$work/\$(touch made)" brood map true ::: "$work/\$"
	expect_in_bash "$work/;touch made" brood run --report "$work/;"
	(cd "$work" && in_bash brood run -E '$(touch made)' && in_bash brood run '--$(touch made)' && in_bash brood run -s '$(touch made)') >/dev/null
	[ ! -e "$work/made" ] && [ ! -e made ] || fault "bash runs what it completes"
}

if command -v bash >/dev/null 2>&1; then
	check_bash
	checked="$checked bash"
fi

# ---- zsh ------------------------------------------------------------------------------------------------------

# _arguments, which completes by the words that it is called with, shows them instead.
in_zsh()
{
	BROOD_COMPLETION=$folder/_brood zsh -f -c '
		_arguments() { print -rl -- "$@"; return 1 }
		words=(brood) CURRENT=1
		source "$BROOD_COMPLETION" >/dev/null
		_brood_$1
	' zsh "$1"
}

check_zsh()
{
	zsh -f -n "$folder/_brood" || fault "_brood is no zsh"
	for verb in run map; do
		# The option is what stands before its explanation; what excludes it stands in brackets before that.
		in_zsh $verb | sed 's/^([^)]*)//; s/^\*//; s/\[.*//' | long_options | sed 's/-$//' | sort -u >"$work/zsh-$verb"
		compare "the options of $verb in _brood" "$work/$verb" "$work/zsh-$verb"
	done
}

if command -v zsh >/dev/null 2>&1; then
	check_zsh
	checked="$checked zsh"
fi

[ -n "$checked" ] || { echo "neither bash nor zsh is installed"; exit 77; }
[ $bad -ne 0 ] || echo "completions agree with --help:$checked"
exit $bad
