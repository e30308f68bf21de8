# SPDX-License-Identifier: GPL-2.0-only
# bash completion for mmsb. tools/test-cli compares the words here with 'mmsb help --json'.
# shellcheck shell=bash

_mmsb_global='--home --device --json --help --version'

declare -gA _mmsb_options=(
	[demo]='--inline --shards --seconds --writers --readers'
	[space create]='--shards --max-pages --max-bytes --max-rings --mode --owner --group --hash --inline --lazy --timing --exist-ok'
	[space list]=''
	[space show]=''
	[space rm]=''
	[space reset]=''
	[page create]='--count'
	[page set]='--offset --if-epoch --hex --string --file --u64'
	[page add]='--offset --if-epoch --lane'
	[page get]='--offset --length --as-hex --raw --lane'
	[page watch]='--count --since --timeout'
	[page rm]='--detach'
	[page show]='--limit'
	[page derive]='--rule --lane --param --lazy --saturate'
	[page underive]=''
	[page link]=''
	[page unlink]=''
	[page refresh]=''
	[page list]='--limit'
	[graph]='--format --output --up --down'
	[graph path]=''
	[watch]='--kind --ticks --count --timeout'
	[hash]='--on --off --recompute --check'
	[verify]='--still'
	[dump]='--length --limit --snapshot'
	[log ls]=''
	[log stat]=''
	[log show]='--from --to --count'
	[log export]='--from --to --count --output'
	[log follow]='--from --to --count --timeout'
	[log verify]=''
	[log write]='--durability --interval --keep --checkpoint-every --segment --zstd --take-over'
	[log status]='--socket'
	[restore]='--shards --max-pages --max-bytes --max-rings --mode --owner --group --tick --time'
	[replay]='--tick --time'
	[checkpoint]='--socket'
	[history]='--from --to --count'
	[at]='--offset --length --as-hex --raw --lane'
	[why]='--tick --time --depth --count'
	[durability]=''
	[sync]='--timeout'
	[trace]='--seconds --output'
	[stat]='--prometheus --output --interval --count'
	[top]='--interval --count --batch --heat --no-bpf'
	[timing]='--on --off --reset'
	[limits]='--max-spaces --max-user-spaces --max-user-pages --max-user-bytes --max-user-rings --max-pages --max-bytes --max-rings --poll-idle-us --pressure-ms --audit --cpu'
	[events]='--kind --count --timeout'
	[bench chart]='--output'
	[bench compare]=''
	[bench page]='--output'
	[doctor]='--root'
	[run]='--keep-going'
	[version]=''
	[help]=''
)

_mmsb_spaces() {
	mmsb space list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_mmsb_pages() {
	mmsb page list "$1" --limit 200 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# The value of an option; fails if the word before is none that takes one.
_mmsb_value() {
	case $1 in
	--home) mapfile -t COMPREPLY < <(compgen -W 'kernel embedded auto' -- "$cur") ;;
	--lane) mapfile -t COMPREPLY < <(compgen -W 'u8 u16 u32 u64 i8 i16 i32 i64 f32 f64' -- "$cur") ;;
	--rule)
		mapfile -t COMPREPLY < <(compgen -W 'copy slice concat add-mul min-add max-add or-and max-min xor-and sum count min max
			mean hash none' -- "$cur") ;;
	--kind) mapfile -t COMPREPLY < <(compgen -W 'source derived' -- "$cur") ;;
	--durability) mapfile -t COMPREPLY < <(compgen -W 'buffered strict' -- "$cur") ;;
	--format) mapfile -t COMPREPLY < <(compgen -W 'text dot svg json' -- "$cur") ;;
	--device | --file | --output | -o | --socket) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	--root) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	--owner) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
	--group) mapfile -t COMPREPLY < <(compgen -g -- "$cur") ;;
	--shards | --max-pages | --max-bytes | --max-rings | --mode | --seconds | --writers | --readers | --count | \
		--param | --up | --down | --offset | --if-epoch | --hex | --string | --u64 | --length | --since | --timeout | --limit | \
		--tick | --time | --from | --to | --depth | --interval | --keep | --checkpoint-every | --segment) COMPREPLY=() ;;
	*) return 1 ;;
	esac
}

_mmsb() {
	local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} word skip='' command='' words=''
	local -a operands=()

	COMPREPLY=()
	_mmsb_value "$previous" && return
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		if [[ $skip ]]; then
			skip=''
		elif [[ $word == --* || $word == -o ]]; then
			_mmsb_value "$word" && skip=1
			COMPREPLY=()
		else
			operands+=("$word")
		fi
	done
	case ${operands[0]:-} in
	space | page | log | bench) command="${operands[0]} ${operands[1]:-}" && operands=("${operands[@]:2}") ;;
	graph)
		command=graph && operands=("${operands[@]:1}")
		[[ ${operands[0]:-} != path ]] || { command='graph path' && operands=("${operands[@]:1}"); } ;;
	*) command=${operands[0]:-} && operands=("${operands[@]:1}") ;;
	esac
	if [[ $cur == -* ]]; then
		words="$_mmsb_global ${_mmsb_options[${command:-help}]:-}"
	elif [[ -z $command || $command == help ]]; then
		words='demo space page graph watch hash verify dump log restore replay checkpoint history at why durability sync trace stat top timing limits affinity events bench doctor run version help'
	elif [[ $command == 'space ' ]]; then
		words='create list show rm reset'
	elif [[ $command == 'page ' ]]; then
		words='create set add get watch rm list show derive underive link unlink refresh'
	elif [[ $command == 'log ' ]]; then
		words='ls stat show export follow verify write status'
	elif [[ $command == 'bench ' ]]; then
		words='chart compare page'
	elif [[ $command == 'bench chart' && ${#operands[@]} -eq 1 ]]; then
		words=$(mmsb bench chart "${operands[0]}" 2>/dev/null | awk '{ print $1 }')
	elif [[ $command == run || $command == bench\ * ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	elif [[ $command == trace && ${#operands[@]} -eq 0 ]]; then
		words=$(mmsb trace 2>/dev/null | awk '{ print $1 }')
	elif [[ $command == trace && ${#operands[@]} -eq 2 ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	elif [[ $command == trace ]]; then
		words="all $(_mmsb_spaces)"
	elif [[ $command == durability && ${#operands[@]} -eq 1 ]]; then
		words='memory buffered strict'
	elif [[ ($command =~ ^(log\ .*|restore|replay|history|at|why)$ && ${#operands[@]} -eq 0 && $command != 'log write') ||
		($command == 'log write' && ${#operands[@]} -eq 1) ]]; then
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
	elif [[ $command == 'space rm' || (${#operands[@]} -eq 0 && $command =~ ^(space\ (show|reset)|page\ .*|graph.*|watch|hash|verify|dump|log\ write|checkpoint|durability|sync|stat|top|timing|limits|affinity)$) ]]; then
		words=$(_mmsb_spaces)
		[[ $command != graph ]] || words+=' path'
	elif [[ $command =~ ^(page\ (set|add|get|watch|rm|show|derive|underive|link|unlink|refresh)|graph.*|watch|dump)$ ]]; then
		words=$(_mmsb_pages "${operands[0]}")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _mmsb mmsb
