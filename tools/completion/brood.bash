# SPDX-License-Identifier: MIT
# bash completion for brood(1). Needs nothing but bash; where bash-completion is loaded, the command behind the options is completed by its own.

_brood_common='-t --timeout -k --grace --linger -s --signal -C --directory -E --env --contain
	-q --quiet -v --verbose -n --dry-run --report --trace -h --help --version'
_brood_run='--limit-output --json'
_brood_map='-j --jobs --retries --retry-delay --fail-fast -a --arg-file -0 --null --shuffle
	--group --line-buffer -u --ungroup -o --keep-order --tag --results --bar --log --resume'

# The value of option $1 is the next word, where no = brings it.
_brood_takes_value()
{
	case $1 in
	--timeout | --grace | --linger | --signal | --directory | --env | --report | --trace | --limit-output) return 0 ;;
	--jobs | --retries | --retry-delay | --arg-file | --results | --log) return 0 ;;
	--*) return 1 ;;
	esac
	[[ $1 =~ ^-[qvn0uo]*[tksCEja]$ ]]
}

# Fill COMPREPLY from the words of $1 that begin with $2.
_brood_words()
{
	local IFS=$' \t\n'
	COMPREPLY=($(compgen -W "$1" -- "$2"))
}

# compgen -f and -d give a line for each name: names hold blanks.
_brood_names()
{
	local line
	compopt -o filenames 2>/dev/null
	while IFS= read -r line; do
		COMPREPLY+=("$line")
	done < <(compgen "$1" -- "$2")
}

# Names with or without SIG, in small letters too; what has no name but JUNK(32) is left out.
_brood_signals()
{
	local typed=${1^^} all
	all=$(compgen -A signal SIG | grep -v JUNK)
	[[ $typed == SIG* ]] || all=${all//SIG/}
	_brood_words "$all" "$typed"
}

# The value of option $1, of which $2 is there.
_brood_value()
{
	case $1 in
	-s | --signal) _brood_signals "$2" ;;
	-C | --directory | --results) _brood_names -d "$2" ;;
	-a | --arg-file | --json | --report | --trace | --log) _brood_names -f "$2" ;;
	-E | --env) COMPREPLY=($(compgen -A export -- "$2")) ;;
	--bar) _brood_words 'auto always never' "$2" ;;
	-t | --timeout) _brood_words '10s 1m 10m 1h' "$2" ;;
	esac
}

# Read the words before the one that is completed. `want`: the option whose value it is; `operand`: where the command begins. Empty: neither.
_brood_look()
{
	local i word
	for ((i = 2; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		# "--timeout=5" comes as three words, unless = has been taken out of COMP_WORDBREAKS.
		if [[ $word == = && ${COMP_WORDS[i - 1]} == --* ]]; then
			want=${COMP_WORDS[i - 1]}
		elif [ -n "$want" ]; then
			want=
		elif [ "$word" = -- ]; then
			operand=$((i + 1))
			return
		elif [[ $word != -?* ]]; then
			operand=$i
			return
		elif _brood_takes_value "$word"; then
			want=$word
		fi
	done
}

# The command that is run, its words from $operand on, and the inputs of map; $1 is there of the last word.
_brood_command()
{
	local i
	for ((i = operand; i < COMP_CWORD; i++)); do
		if [ "${COMP_WORDS[i]}" = ::: ]; then
			_brood_names -f "$1"
			return
		fi
	done
	if declare -F _comp_command_offset >/dev/null; then
		_comp_command_offset "$operand"
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$operand"
	elif [ "$operand" -eq "$COMP_CWORD" ]; then
		_brood_names -c "$1"
	else
		_brood_names -f "$1"
	fi
}

# $1: what is there of the last word; $2: the options of the verb.
_brood_verb()
{
	local cur=$1 want= operand=
	_brood_look
	if [[ $cur == = && ${COMP_WORDS[COMP_CWORD - 1]} == --* && -z $operand ]]; then
		want=${COMP_WORDS[COMP_CWORD - 1]}
		cur=
	fi
	if [ -n "$operand" ]; then
		_brood_command "$cur"
	elif [[ $want == --* ]]; then
		_brood_value "$want" "$cur"
	elif [ -n "$want" ]; then
		_brood_value "-${want: -1}" "$cur"
	elif [[ $cur == --*=* ]]; then
		_brood_value "${cur%%=*}" "${cur#*=}"
		COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
	elif [[ $cur == -* ]]; then
		_brood_words "$2" "$cur"
	else
		operand=$COMP_CWORD
		_brood_command "$cur"
	fi
}

_brood()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		_brood_words 'run map help --help --version' "$cur"
		return
	fi
	case ${COMP_WORDS[1]} in
	run) _brood_verb "$cur" "$_brood_common $_brood_run" ;;
	map) _brood_verb "$cur" "$_brood_common $_brood_map" ;;
	help) [ "$COMP_CWORD" -ne 2 ] || _brood_words 'run map' "$cur" ;;
	esac
}

complete -F _brood brood
