# SPDX-License-Identifier: GPL-2.0-only
# fish completion for mmsb. tools/test-cli compares the words here with 'mmsb help --json'.

function __mmsb_spaces
    mmsb space list 2>/dev/null | tail -n +2 | string replace -r ' .*' ''
end

function __mmsb_none
    not __fish_seen_subcommand_from demo space page graph hash dump doctor run version help
end

# true if the command line has this noun and this verb
function __mmsb_at
    set -l words (commandline -opc)
    contains -- $argv[1] $words; and contains -- $argv[2] $words
end

function __mmsb_no_verb
    __fish_seen_subcommand_from $argv[1]; and not __fish_seen_subcommand_from $argv[2..-1]
end

complete -c mmsb -f
complete -c mmsb -l home -x -a 'kernel embedded auto' -d 'Which home'
complete -c mmsb -l device -r -d 'The device node'
complete -c mmsb -l json -d 'Speak JSON'
complete -c mmsb -l help -d 'Explain the command'
complete -c mmsb -l version -d 'Print the versions'

complete -c mmsb -n __mmsb_none -a demo -d 'Watch several processes share a state'
complete -c mmsb -n __mmsb_none -a space -d 'Make, list and remove spaces'
complete -c mmsb -n __mmsb_none -a page -d 'Make, change and read pages'
complete -c mmsb -n __mmsb_none -a graph -d 'List or draw which pages follow which'
complete -c mmsb -n __mmsb_none -a watch -d 'Print what happens to pages'
complete -c mmsb -n __mmsb_none -a hash -d 'Print the state hash of a space'
complete -c mmsb -n __mmsb_none -a dump -d 'Show pages with their bytes'
complete -c mmsb -n __mmsb_none -a doctor -d 'Look for what keeps MMSB from working'
complete -c mmsb -n __mmsb_none -a run -d 'Run commands from a file'
complete -c mmsb -n __mmsb_none -a version -d 'Print the versions'
complete -c mmsb -n __mmsb_none -a help -d 'Explain a command'
complete -c mmsb -n '__mmsb_no_verb space create list show rm reset' -a 'create list show rm reset'
set -l page_verbs create set add get watch rm list show derive underive link unlink refresh
complete -c mmsb -n "__mmsb_no_verb page $page_verbs" -a "$page_verbs"
complete -c mmsb -n '__mmsb_no_verb graph path' -a path -d 'A way from one page to another'
complete -c mmsb -n '__mmsb_at space show; or __mmsb_at space rm; or __mmsb_at space reset' -a '(__mmsb_spaces)'
complete -c mmsb -n '__fish_seen_subcommand_from page graph watch hash dump' -a '(__mmsb_spaces)'

complete -c mmsb -n '__fish_seen_subcommand_from demo' -l inline -d 'Who submits runs the engine'
complete -c mmsb -n '__fish_seen_subcommand_from demo' -l shards -x -d 'Shards of the space'
complete -c mmsb -n '__fish_seen_subcommand_from demo' -l seconds -x -d 'How long'
complete -c mmsb -n '__fish_seen_subcommand_from demo' -l writers -x -d 'How many writers'
complete -c mmsb -n '__fish_seen_subcommand_from demo' -l readers -x -d 'How many readers'
complete -c mmsb -n '__mmsb_at space create' -l shards -x -d 'Shards of the space'
complete -c mmsb -n '__mmsb_at space create' -l max-pages -x -d 'Most pages'
complete -c mmsb -n '__mmsb_at space create' -l max-bytes -x -d 'Most bytes'
complete -c mmsb -n '__mmsb_at space create' -l max-rings -x -d 'Most rings'
complete -c mmsb -n '__mmsb_at space create' -l mode -x -d 'Who may open it'
complete -c mmsb -n '__mmsb_at space create' -l owner -x -a '(__fish_complete_users)' -d 'Its owner'
complete -c mmsb -n '__mmsb_at space create' -l group -x -a '(__fish_complete_groups)' -d 'Its group'
complete -c mmsb -n '__mmsb_at space create' -l hash -d 'Keep the state hash'
complete -c mmsb -n '__mmsb_at space create' -l inline -d 'No pollers'
complete -c mmsb -n '__mmsb_at space create' -l lazy -d 'Derived pages are recomputed when read'
complete -c mmsb -n '__mmsb_at space create' -l exist-ok -d 'Succeed if it exists'
complete -c mmsb -n '__mmsb_at page create' -l count -x -d 'How many'
complete -c mmsb -n '__mmsb_at page set' -l offset -x -d 'Where'
complete -c mmsb -n '__mmsb_at page set' -l if-epoch -x -d 'Only if the epoch is that'
complete -c mmsb -n '__mmsb_at page set' -l hex -x -d 'Bytes as hex digits'
complete -c mmsb -n '__mmsb_at page set' -l string -x -d 'Bytes of a text'
complete -c mmsb -n '__mmsb_at page set' -l file -r -d 'Bytes of a file'
complete -c mmsb -n '__mmsb_at page set' -l u64 -x -d 'A number'
complete -c mmsb -n '__mmsb_at page add' -l offset -x -d 'Where'
complete -c mmsb -n '__mmsb_at page add' -l if-epoch -x -d 'Only if the epoch is that'
complete -c mmsb -n '__mmsb_at page add' -l lane -x -a 'u8 u16 u32 u64 i8 i16 i32 i64' -d 'Type of the number'
complete -c mmsb -n '__mmsb_at page get' -l offset -x -d 'Where'
complete -c mmsb -n '__mmsb_at page get' -l length -x -d 'How many bytes'
complete -c mmsb -n '__mmsb_at page get' -l as-hex -d 'Hex digits'
complete -c mmsb -n '__mmsb_at page get' -l raw -d 'The bytes as they are'
complete -c mmsb -n '__mmsb_at page get' -l lane -x -a 'u8 u16 u32 u64 i8 i16 i32 i64 f32 f64' -d 'As numbers of that type'
complete -c mmsb -n '__mmsb_at page watch' -l count -x -d 'How many changes'
complete -c mmsb -n '__mmsb_at page watch' -l since -x -d 'First epoch above that'
complete -c mmsb -n '__mmsb_at page watch' -l timeout -x -d 'Give up after that long'
complete -c mmsb -n '__mmsb_at page list' -l limit -x -d 'Most pages'
complete -c mmsb -n '__mmsb_at page rm' -l detach -d 'What is derived becomes source pages'
complete -c mmsb -n '__mmsb_at page show' -l limit -x -d 'Most parents and children'
complete -c mmsb -n '__mmsb_at page derive' -l rule -x -d 'How it follows' \
    -a 'copy slice concat add-mul min-add max-add or-and max-min xor-and sum count min max mean hash none'
complete -c mmsb -n '__mmsb_at page derive' -l lane -x -a 'u8 u16 u32 u64 i8 i16 i32 i64 f32 f64' -d 'Type of the lanes'
complete -c mmsb -n '__mmsb_at page derive' -l param -x -d 'Parameters'
complete -c mmsb -n '__mmsb_at page derive' -l lazy -d 'Recomputed when read'
complete -c mmsb -n '__mmsb_at page derive' -l saturate -d 'Stop at the ends of the range'
complete -c mmsb -n '__fish_seen_subcommand_from watch; and not __fish_seen_subcommand_from page' -l kind -x -a 'source derived' -d 'Only pages of that kind'
complete -c mmsb -n '__fish_seen_subcommand_from watch; and not __fish_seen_subcommand_from page' -l ticks -d 'Closed ticks, too'
complete -c mmsb -n '__fish_seen_subcommand_from watch; and not __fish_seen_subcommand_from page' -l count -x -d 'How many lines'
complete -c mmsb -n '__fish_seen_subcommand_from watch; and not __fish_seen_subcommand_from page' -l timeout -x -d 'Give up after that long'
complete -c mmsb -n '__fish_seen_subcommand_from graph' -l format -x -a 'text dot svg json' -d 'What is written'
complete -c mmsb -n '__fish_seen_subcommand_from graph' -s o -l output -r -F -d 'Where to'
complete -c mmsb -n '__fish_seen_subcommand_from graph' -l up -x -d 'Steps toward parents'
complete -c mmsb -n '__fish_seen_subcommand_from graph' -l down -x -d 'Steps toward children'
complete -c mmsb -n '__fish_seen_subcommand_from hash' -l on -d 'Switch it on'
complete -c mmsb -n '__fish_seen_subcommand_from hash' -l off -d 'Switch it off'
complete -c mmsb -n '__fish_seen_subcommand_from hash' -l recompute -d 'From all bytes'
complete -c mmsb -n '__fish_seen_subcommand_from hash' -l check -d 'Compare both ways'
complete -c mmsb -n '__fish_seen_subcommand_from dump' -l length -x -d 'Most bytes of a page'
complete -c mmsb -n '__fish_seen_subcommand_from dump' -l limit -x -d 'Most pages'
complete -c mmsb -n '__fish_seen_subcommand_from dump' -l snapshot -d 'All at one tick'
complete -c mmsb -n '__fish_seen_subcommand_from doctor' -l root -x -a '(__fish_complete_directories)' -d 'Look below it'
complete -c mmsb -n '__fish_seen_subcommand_from run' -l keep-going -d 'Go on after a failure'
complete -c mmsb -n '__fish_seen_subcommand_from run' -F
