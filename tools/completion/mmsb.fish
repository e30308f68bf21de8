# SPDX-License-Identifier: GPL-2.0-only
# fish completion for mmsb. tools/check-completion holds what it offers against 'mmsb help --json'.

function __mmsb_spaces
    mmsb space list 2>/dev/null | tail -n +2 | string replace -r ' .*' ''
end

set -g __mmsb_commands demo space page graph watch hash verify dump log restore replay checkpoint history at why durability sync trace stat top timing limits affinity events bench doctor run version help

# the words from the command on: some commands are also verbs or operands of others
function __mmsb_words
    set -l words (commandline -opc)
    for i in (seq 2 (count $words))
        if contains -- $words[$i] $__mmsb_commands
            string join \n -- $words[$i..-1]
            return
        end
    end
end

function __mmsb_none
    set -l words (__mmsb_words)
    not set -q words[1]
end

# true if the command is one of these
function __mmsb_is
    set -l words (__mmsb_words)
    contains -- "$words[1]" $argv
end

# true if the command is this noun and this verb
function __mmsb_at
    set -l words (__mmsb_words)
    test "$words[1]" = $argv[1]; and contains -- $argv[2] $words
end

function __mmsb_no_verb
    set -l words (__mmsb_words)
    test "$words[1]" = $argv[1]; or return
    for verb in $argv[2..-1]
        contains -- $verb $words; and return 1
    end
    return 0
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
complete -c mmsb -n __mmsb_none -a verify -d 'Name what is wrong with a space'
complete -c mmsb -n __mmsb_none -a dump -d 'Show pages with their bytes'
complete -c mmsb -n __mmsb_none -a log -d 'Look at logs, and write them'
complete -c mmsb -n __mmsb_none -a restore -d 'Make a space from its log'
complete -c mmsb -n __mmsb_none -a replay -d 'Do a log again and compare'
complete -c mmsb -n __mmsb_none -a checkpoint -d 'Have a checkpoint made'
complete -c mmsb -n __mmsb_none -a history -d 'Print the deltas of a page'
complete -c mmsb -n __mmsb_none -a at -d 'Read a page as it stood'
complete -c mmsb -n __mmsb_none -a why -d 'Print what made the value of a page'
complete -c mmsb -n __mmsb_none -a durability -d 'Tell or set what a space promises'
complete -c mmsb -n __mmsb_none -a sync -d 'Wait until all is on disk'
complete -c mmsb -n __mmsb_none -a trace -d 'Watch what the engine does, by a bpftrace script'
complete -c mmsb -n __mmsb_none -a stat -d 'Show what the kernel home is doing'
complete -c mmsb -n __mmsb_none -a top -d 'Show what the kernel home is doing, live'
complete -c mmsb -n __mmsb_none -a timing -d 'Show how long deltas spend where'
complete -c mmsb -n __mmsb_none -a limits -d 'Show or change what is allowed'
complete -c mmsb -n __mmsb_none -a affinity -d 'Show or choose which CPU serves each shard'
complete -c mmsb -n __mmsb_none -a events -d 'Print what happens to spaces and rings'
complete -c mmsb -n __mmsb_none -a bench -d 'Compare or draw what the benchmarks measured'
complete -c mmsb -n __mmsb_none -a doctor -d 'Look for what keeps MMSB from working'
complete -c mmsb -n __mmsb_none -a run -d 'Run commands from a file'
complete -c mmsb -n __mmsb_none -a version -d 'Print the versions'
complete -c mmsb -n __mmsb_none -a help -d 'Explain a command'
complete -c mmsb -n '__mmsb_is help' -a "$__mmsb_commands"
complete -c mmsb -n '__mmsb_no_verb space create list show rm reset' -a 'create list show rm reset'
set -l page_verbs create set add get watch rm list show derive underive link unlink refresh
complete -c mmsb -n "__mmsb_no_verb page $page_verbs" -a "$page_verbs"
set -l log_verbs ls stat show export follow verify write status
complete -c mmsb -n "__mmsb_no_verb log $log_verbs" -a "$log_verbs"
complete -c mmsb -n '__mmsb_is log restore replay history at why' -F
complete -c mmsb -n '__mmsb_no_verb bench chart compare page' -a 'chart compare page'
complete -c mmsb -n '__mmsb_is bench' -F
complete -c mmsb -n '__mmsb_at bench chart; or __mmsb_at bench page' -s o -l output -r -F -d 'Where to'
complete -c mmsb -n '__mmsb_no_verb graph path' -a path -d 'A way from one page to another'
complete -c mmsb -n '__mmsb_at space show; or __mmsb_at space rm; or __mmsb_at space reset' -a '(__mmsb_spaces)'
complete -c mmsb -n '__mmsb_is page graph watch hash verify dump checkpoint durability sync stat top timing limits affinity; or __mmsb_at log write' -a '(__mmsb_spaces)'

complete -c mmsb -n '__mmsb_is demo' -l inline -d 'Who submits runs the engine'
complete -c mmsb -n '__mmsb_is demo' -l shards -x -d 'Shards of the space'
complete -c mmsb -n '__mmsb_is demo' -l seconds -x -d 'How long'
complete -c mmsb -n '__mmsb_is demo' -l writers -x -d 'How many writers'
complete -c mmsb -n '__mmsb_is demo' -l readers -x -d 'How many readers'
complete -c mmsb -n '__mmsb_at space create' -l shards -x -d 'Shards of the space'
complete -c mmsb -n '__mmsb_at space create' -l max-pages -x -d 'Most pages'
complete -c mmsb -n '__mmsb_at space create' -l max-bytes -x -d 'Most bytes'
complete -c mmsb -n '__mmsb_at space create' -l max-rings -x -d 'Most rings'
complete -c mmsb -n '__mmsb_at space create' -l mode -x -d 'Who may open it'
complete -c mmsb -n '__mmsb_at space create' -l owner -x -a '(__fish_complete_users)' -d 'Its owner'
complete -c mmsb -n '__mmsb_at space create' -l group -x -a '(__fish_complete_groups)' -d 'Its group'
complete -c mmsb -n '__mmsb_at space create' -l hash -d 'Keep the state hash'
complete -c mmsb -n '__mmsb_at space create' -l timing -d 'Time its layers from the start'
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
complete -c mmsb -n '__mmsb_is watch' -l kind -x -a 'source derived' -d 'Only pages of that kind'
complete -c mmsb -n '__mmsb_is watch' -l ticks -d 'Closed ticks, too'
complete -c mmsb -n '__mmsb_is watch' -l count -x -d 'How many lines'
complete -c mmsb -n '__mmsb_is watch' -l timeout -x -d 'Give up after that long'
complete -c mmsb -n '__mmsb_is graph' -l format -x -a 'text dot svg json' -d 'What is written'
complete -c mmsb -n '__mmsb_is graph' -s o -l output -r -F -d 'Where to'
complete -c mmsb -n '__mmsb_is graph' -l up -x -d 'Steps toward parents'
complete -c mmsb -n '__mmsb_is graph' -l down -x -d 'Steps toward children'
complete -c mmsb -n '__mmsb_is hash' -l on -d 'Switch it on'
complete -c mmsb -n '__mmsb_is hash' -l off -d 'Switch it off'
complete -c mmsb -n '__mmsb_is hash' -l recompute -d 'From all bytes'
complete -c mmsb -n '__mmsb_is hash' -l check -d 'Compare both ways'
complete -c mmsb -n '__mmsb_is verify' -l still -d 'Let the space stand still'
complete -c mmsb -n '__mmsb_is dump' -l length -x -d 'Most bytes of a page'
complete -c mmsb -n '__mmsb_is dump' -l limit -x -d 'Most pages'
complete -c mmsb -n '__mmsb_is dump' -l snapshot -d 'All at one tick'
complete -c mmsb -n '__mmsb_at log show' -l from -x -d 'First tick'
complete -c mmsb -n '__mmsb_at log show' -l to -x -d 'Last tick'
complete -c mmsb -n '__mmsb_at log show' -l count -x -d 'How many'
complete -c mmsb -n '__mmsb_at log export' -l from -x -d 'First tick'
complete -c mmsb -n '__mmsb_at log export' -l to -x -d 'Last tick'
complete -c mmsb -n '__mmsb_at log export' -l count -x -d 'How many'
complete -c mmsb -n '__mmsb_at log export' -l output -r -d 'Where to'
complete -c mmsb -n '__mmsb_at log follow' -l from -x -d 'First tick'
complete -c mmsb -n '__mmsb_at log follow' -l to -x -d 'Last tick'
complete -c mmsb -n '__mmsb_at log follow' -l count -x -d 'How many'
complete -c mmsb -n '__mmsb_at log follow' -l timeout -x -d 'Give up after that long'
complete -c mmsb -n '__mmsb_at log write' -l durability -x -a 'buffered strict' -d 'What is promised'
complete -c mmsb -n '__mmsb_at log write' -l interval -x -d 'Flush at least so often'
complete -c mmsb -n '__mmsb_at log write' -l keep -x -d 'So many checkpoints'
complete -c mmsb -n '__mmsb_at log write' -l checkpoint-every -x -d 'When it has grown by that'
complete -c mmsb -n '__mmsb_at log write' -l segment -x -d 'Size of a segment'
complete -c mmsb -n '__mmsb_at log write' -l zstd -d 'Compress'
complete -c mmsb -n '__mmsb_at log write' -l take-over -d 'Fence the writer of now'
complete -c mmsb -n '__mmsb_at log status' -l socket -r -d 'Where mmsbd listens'
complete -c mmsb -n '__mmsb_is restore' -l shards -x -d 'Shards of the space'
complete -c mmsb -n '__mmsb_is restore' -l max-pages -x -d 'Most pages'
complete -c mmsb -n '__mmsb_is restore' -l max-bytes -x -d 'Most bytes'
complete -c mmsb -n '__mmsb_is restore' -l max-rings -x -d 'Most rings'
complete -c mmsb -n '__mmsb_is restore' -l mode -x -d 'Who may open it'
complete -c mmsb -n '__mmsb_is restore' -l owner -x -a '(__fish_complete_users)' -d 'Its owner'
complete -c mmsb -n '__mmsb_is restore' -l group -x -a '(__fish_complete_groups)' -d 'Its group'
complete -c mmsb -n '__mmsb_is restore' -l tick -x -d 'As of that tick'
complete -c mmsb -n '__mmsb_is restore' -l time -x -d 'As of that time'
complete -c mmsb -n '__mmsb_is replay' -l tick -x -d 'As of that tick'
complete -c mmsb -n '__mmsb_is replay' -l time -x -d 'As of that time'
complete -c mmsb -n '__mmsb_is checkpoint' -l socket -r -d 'Where mmsbd listens'
complete -c mmsb -n '__mmsb_is history' -l from -x -d 'First tick'
complete -c mmsb -n '__mmsb_is history' -l to -x -d 'Last tick'
complete -c mmsb -n '__mmsb_is history' -l count -x -d 'How many'
complete -c mmsb -n '__mmsb_is at' -l offset -x -d 'Where'
complete -c mmsb -n '__mmsb_is at' -l length -x -d 'How many bytes'
complete -c mmsb -n '__mmsb_is at' -l as-hex -d 'Hex digits'
complete -c mmsb -n '__mmsb_is at' -l raw -d 'The bytes as they are'
complete -c mmsb -n '__mmsb_is at' -l lane -x -a 'u8 u16 u32 u64 i8 i16 i32 i64 f32 f64' -d 'As numbers of that type'
complete -c mmsb -n '__mmsb_is why' -l tick -x -d 'As of that tick'
complete -c mmsb -n '__mmsb_is why' -l time -x -d 'As of that time'
complete -c mmsb -n '__mmsb_is why' -l depth -x -d 'Steps toward parents'
complete -c mmsb -n '__mmsb_is why' -l count -x -d 'How many'
complete -c mmsb -n '__mmsb_is stat' -l prometheus -d 'In its text format'
complete -c mmsb -n '__mmsb_is stat' -l output -r -d 'Write it there'
complete -c mmsb -n '__mmsb_is stat' -l interval -x -d 'Tell rates that often'
complete -c mmsb -n '__mmsb_is stat' -l count -x -d 'Stop after that many'
complete -c mmsb -n '__mmsb_is top' -l interval -x -d 'Look that often'
complete -c mmsb -n '__mmsb_is top' -l count -x -d 'So many times'
complete -c mmsb -n '__mmsb_is top' -l batch -d 'Write a block each time'
complete -c mmsb -n '__mmsb_is top' -l heat -d 'Tell which pages change'
complete -c mmsb -n '__mmsb_is top' -l no-bpf -d 'Counters only'
complete -c mmsb -n '__mmsb_is timing' -l on -d 'Switch it on'
complete -c mmsb -n '__mmsb_is timing' -l off -d 'Switch it off'
complete -c mmsb -n '__mmsb_is timing' -l reset -d 'Forget, and go on'
complete -c mmsb -n '__mmsb_is limits' -l max-spaces -x -d 'Spaces in all'
complete -c mmsb -n '__mmsb_is limits' -l max-user-spaces -x -d 'Spaces of one user'
complete -c mmsb -n '__mmsb_is limits' -l max-user-pages -x -d 'Pages in all of them'
complete -c mmsb -n '__mmsb_is limits' -l max-user-bytes -x -d 'Bytes of arena in all of them'
complete -c mmsb -n '__mmsb_is limits' -l max-user-rings -x -d 'Rings in all of them'
complete -c mmsb -n '__mmsb_is limits' -l max-pages -x -d 'Pages'
complete -c mmsb -n '__mmsb_is limits' -l max-bytes -x -d 'Bytes of arena'
complete -c mmsb -n '__mmsb_is limits' -l max-rings -x -d 'Rings'
complete -c mmsb -n '__mmsb_is limits' -l poll-idle-us -x -d 'How long pollers look in vain'
complete -c mmsb -n '__mmsb_is limits' -l pressure-ms -x -d 'How long queues are held up before that is told'
complete -c mmsb -n '__mmsb_is limits' -l audit -x -d 'Do every so many recomputes twice'
complete -c mmsb -n '__mmsb_is limits' -l cpu -x -d 'That poller alone'
complete -c mmsb -n '__mmsb_is events' -l kind -x -a 'lifecycle pressure' -d 'Only those'
complete -c mmsb -n '__mmsb_is events' -l count -x -d 'Stop after that many'
complete -c mmsb -n '__mmsb_is events' -l timeout -x -d 'Give up after that long'
complete -c mmsb -n '__mmsb_is sync' -l timeout -x -d 'Give up after that long'
complete -c mmsb -n '__mmsb_is trace' -a '(mmsb trace 2>/dev/null | string replace -r " .*" ""; __mmsb_spaces)'
complete -c mmsb -n '__mmsb_is trace' -l seconds -x -d 'End after that time'
complete -c mmsb -n '__mmsb_is trace' -l output -r -d 'Write the script there'
complete -c mmsb -n '__mmsb_is doctor' -l root -x -a '(__fish_complete_directories)' -d 'Look below it'
complete -c mmsb -n '__mmsb_is run' -l keep-going -d 'Go on after a failure'
complete -c mmsb -n '__mmsb_is run' -F
