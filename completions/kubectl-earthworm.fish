# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_earthworm_global_optspecs
    string join \n kubeconfig= context= n/namespace= as= as-group= color= q/quiet v/verbose h/help V/version
end

function __fish_kubectl_earthworm_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kubectl_earthworm_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kubectl_earthworm_using_subcommand
    set -l cmd (__fish_kubectl_earthworm_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -f -a "pulse" -d 'Listen to the heartbeats of nodes'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -f -a "top" -d 'Show the traffic of nodes: who talks to whom, how much, how fast'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -f -a "completion" -d 'Print or install shell completions'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -s l -l selector -d 'Listen to all nodes with these labels' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l for -d 'Stop after this time, such as 60s, 5m or 1h30m, counted from the moment the probes listen' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -s o -l output -d 'Output format; without it a terminal gets the live screen' -r -f -a "table\t'One line per beat'
wide\t'The same with more columns'
json\t'One JSON object per line'
yaml\t'One YAML document per object'
name\t'Names of the nodes that beat'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l probe-namespace -d 'Namespace for the probe\'s objects, instead of the context\'s; it must exist' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l image -d 'Start the probe from this image instead of one that the node already has' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l profile -d 'Privileges of the probe; `auto` takes the weakest that gives the full result' -r -f -a "auto\t'The weakest that gives the full result on the node\'s kernel'
bpf\t'Capabilities BPF, PERFMON, NET_ADMIN, SYS_PTRACE'
sysadmin\t'The same and SYS_ADMIN'
privileged\t'A privileged container'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l all-nodes -d 'Listen to every node'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l no-headers -d 'No header line in tables'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l no-probe -d 'Watch the Leases only: nothing is started on any node'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l allow-missing-nodes -d 'Do not fail when a node cannot be measured'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l no-bypass -d 'The probe listens on the node\'s loopback address alone: news of a kubelet that stops come when it runs again'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -l dry-run -d 'Print the objects that would be created, and create nothing'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -f -a "flows" -d 'Who talks to whom: a row per source, destination and port'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -f -a "pods" -d 'Traffic of each pod'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -f -a "services" -d 'Traffic of each service'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -f -a "namespaces" -d 'Traffic of each namespace'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -f -a "ports" -d 'Traffic through each port that somebody listens on'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -f -a "latency" -d 'Flows with a round trip, the longest first'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -f -a "retransmits" -d 'Flows that had to send something again, the worst first'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -f -a "drops" -d 'Packets that the nodes\' kernels threw away, and why'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and not __fish_seen_subcommand_from flows pods services namespaces ports latency retransmits drops dns" -f -a "dns" -d 'Questions to DNS servers, their answers, and how long these took'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -s l -l selector -d 'Listen to all nodes with these labels' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l pod -d 'Only traffic of this pod' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l port -d 'Only traffic through this port of the side that listens' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l protocol -d 'Only traffic over this protocol' -r -f -a "tcp\t'Transmission Control Protocol'
udp\t'User Datagram Protocol'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l sort-by -d 'What comes first; by default what the view is about, else what moved the most bytes in the last interval' -r -f -a "bytes\t'Bytes of both directions'
packets\t'Packets of both directions'
rtt\t'Mean round trip'
retransmits\t'Segments that were sent again'
connections\t'Connections that are open or were opened'
queries\t'Questions to DNS servers'
timeouts\t'Questions without an answer'
latency\t'Mean time to an answer'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l top -d 'How many rows; 20 in a table, all of them in data' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l interval -d 'Time between two looks at the sockets, from 500ms to 60s; 2s, with --once 1s' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l for -d 'Stop after this time, such as 60s, 5m or 1h30m, counted from the moment the probes listen' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -s o -l output -d 'Output format; without it a terminal gets the live screen' -r -f -a "table\t'A table per interval'
wide\t'The same with more columns'
json\t'One JSON object per node and interval'
yaml\t'One YAML document per node and interval'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l probe-namespace -d 'Namespace for the probe\'s objects, instead of the context\'s; it must exist' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l image -d 'Start the probe from this image instead of one that the node already has' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l profile -d 'Privileges of the probe; `auto` takes the weakest that gives the full result' -r -f -a "auto\t'The weakest that gives the full result on the node\'s kernel'
bpf\t'Capabilities BPF, PERFMON, NET_ADMIN, SYS_PTRACE'
sysadmin\t'The same and SYS_ADMIN'
privileged\t'A privileged container'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l all-nodes -d 'Listen to every node'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l local -d 'This machine instead of nodes: no cluster, no kubeconfig; Linux, as root'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -s A -l all-namespaces -d 'Show what goes on in every namespace, and outside of them; so it is without -n'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l once -d 'One table of the first whole interval, then the end'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l no-headers -d 'No header line in tables'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l allow-missing-nodes -d 'Do not fail when a node cannot be measured'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l no-bypass -d 'The probe listens on the node\'s loopback address alone: news of a kubelet that stops come when it runs again'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -l dry-run -d 'Print the objects that would be created, and create nothing'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from flows" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -s l -l selector -d 'Listen to all nodes with these labels' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l pod -d 'Only traffic of this pod' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l port -d 'Only traffic through this port of the side that listens' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l protocol -d 'Only traffic over this protocol' -r -f -a "tcp\t'Transmission Control Protocol'
udp\t'User Datagram Protocol'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l sort-by -d 'What comes first; by default what the view is about, else what moved the most bytes in the last interval' -r -f -a "bytes\t'Bytes of both directions'
packets\t'Packets of both directions'
rtt\t'Mean round trip'
retransmits\t'Segments that were sent again'
connections\t'Connections that are open or were opened'
queries\t'Questions to DNS servers'
timeouts\t'Questions without an answer'
latency\t'Mean time to an answer'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l top -d 'How many rows; 20 in a table, all of them in data' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l interval -d 'Time between two looks at the sockets, from 500ms to 60s; 2s, with --once 1s' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l for -d 'Stop after this time, such as 60s, 5m or 1h30m, counted from the moment the probes listen' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -s o -l output -d 'Output format; without it a terminal gets the live screen' -r -f -a "table\t'A table per interval'
wide\t'The same with more columns'
json\t'One JSON object per node and interval'
yaml\t'One YAML document per node and interval'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l probe-namespace -d 'Namespace for the probe\'s objects, instead of the context\'s; it must exist' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l image -d 'Start the probe from this image instead of one that the node already has' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l profile -d 'Privileges of the probe; `auto` takes the weakest that gives the full result' -r -f -a "auto\t'The weakest that gives the full result on the node\'s kernel'
bpf\t'Capabilities BPF, PERFMON, NET_ADMIN, SYS_PTRACE'
sysadmin\t'The same and SYS_ADMIN'
privileged\t'A privileged container'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l all-nodes -d 'Listen to every node'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l local -d 'This machine instead of nodes: no cluster, no kubeconfig; Linux, as root'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -s A -l all-namespaces -d 'Show what goes on in every namespace, and outside of them; so it is without -n'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l once -d 'One table of the first whole interval, then the end'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l no-headers -d 'No header line in tables'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l allow-missing-nodes -d 'Do not fail when a node cannot be measured'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l no-bypass -d 'The probe listens on the node\'s loopback address alone: news of a kubelet that stops come when it runs again'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -l dry-run -d 'Print the objects that would be created, and create nothing'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from pods" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -s l -l selector -d 'Listen to all nodes with these labels' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l pod -d 'Only traffic of this pod' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l port -d 'Only traffic through this port of the side that listens' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l protocol -d 'Only traffic over this protocol' -r -f -a "tcp\t'Transmission Control Protocol'
udp\t'User Datagram Protocol'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l sort-by -d 'What comes first; by default what the view is about, else what moved the most bytes in the last interval' -r -f -a "bytes\t'Bytes of both directions'
packets\t'Packets of both directions'
rtt\t'Mean round trip'
retransmits\t'Segments that were sent again'
connections\t'Connections that are open or were opened'
queries\t'Questions to DNS servers'
timeouts\t'Questions without an answer'
latency\t'Mean time to an answer'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l top -d 'How many rows; 20 in a table, all of them in data' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l interval -d 'Time between two looks at the sockets, from 500ms to 60s; 2s, with --once 1s' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l for -d 'Stop after this time, such as 60s, 5m or 1h30m, counted from the moment the probes listen' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -s o -l output -d 'Output format; without it a terminal gets the live screen' -r -f -a "table\t'A table per interval'
wide\t'The same with more columns'
json\t'One JSON object per node and interval'
yaml\t'One YAML document per node and interval'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l probe-namespace -d 'Namespace for the probe\'s objects, instead of the context\'s; it must exist' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l image -d 'Start the probe from this image instead of one that the node already has' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l profile -d 'Privileges of the probe; `auto` takes the weakest that gives the full result' -r -f -a "auto\t'The weakest that gives the full result on the node\'s kernel'
bpf\t'Capabilities BPF, PERFMON, NET_ADMIN, SYS_PTRACE'
sysadmin\t'The same and SYS_ADMIN'
privileged\t'A privileged container'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l all-nodes -d 'Listen to every node'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l local -d 'This machine instead of nodes: no cluster, no kubeconfig; Linux, as root'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -s A -l all-namespaces -d 'Show what goes on in every namespace, and outside of them; so it is without -n'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l once -d 'One table of the first whole interval, then the end'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l no-headers -d 'No header line in tables'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l allow-missing-nodes -d 'Do not fail when a node cannot be measured'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l no-bypass -d 'The probe listens on the node\'s loopback address alone: news of a kubelet that stops come when it runs again'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -l dry-run -d 'Print the objects that would be created, and create nothing'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from services" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -s l -l selector -d 'Listen to all nodes with these labels' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l pod -d 'Only traffic of this pod' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l port -d 'Only traffic through this port of the side that listens' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l protocol -d 'Only traffic over this protocol' -r -f -a "tcp\t'Transmission Control Protocol'
udp\t'User Datagram Protocol'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l sort-by -d 'What comes first; by default what the view is about, else what moved the most bytes in the last interval' -r -f -a "bytes\t'Bytes of both directions'
packets\t'Packets of both directions'
rtt\t'Mean round trip'
retransmits\t'Segments that were sent again'
connections\t'Connections that are open or were opened'
queries\t'Questions to DNS servers'
timeouts\t'Questions without an answer'
latency\t'Mean time to an answer'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l top -d 'How many rows; 20 in a table, all of them in data' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l interval -d 'Time between two looks at the sockets, from 500ms to 60s; 2s, with --once 1s' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l for -d 'Stop after this time, such as 60s, 5m or 1h30m, counted from the moment the probes listen' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -s o -l output -d 'Output format; without it a terminal gets the live screen' -r -f -a "table\t'A table per interval'
wide\t'The same with more columns'
json\t'One JSON object per node and interval'
yaml\t'One YAML document per node and interval'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l probe-namespace -d 'Namespace for the probe\'s objects, instead of the context\'s; it must exist' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l image -d 'Start the probe from this image instead of one that the node already has' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l profile -d 'Privileges of the probe; `auto` takes the weakest that gives the full result' -r -f -a "auto\t'The weakest that gives the full result on the node\'s kernel'
bpf\t'Capabilities BPF, PERFMON, NET_ADMIN, SYS_PTRACE'
sysadmin\t'The same and SYS_ADMIN'
privileged\t'A privileged container'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l all-nodes -d 'Listen to every node'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l local -d 'This machine instead of nodes: no cluster, no kubeconfig; Linux, as root'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -s A -l all-namespaces -d 'Show what goes on in every namespace, and outside of them; so it is without -n'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l once -d 'One table of the first whole interval, then the end'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l no-headers -d 'No header line in tables'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l allow-missing-nodes -d 'Do not fail when a node cannot be measured'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l no-bypass -d 'The probe listens on the node\'s loopback address alone: news of a kubelet that stops come when it runs again'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -l dry-run -d 'Print the objects that would be created, and create nothing'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from namespaces" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -s l -l selector -d 'Listen to all nodes with these labels' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l pod -d 'Only traffic of this pod' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l port -d 'Only traffic through this port of the side that listens' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l protocol -d 'Only traffic over this protocol' -r -f -a "tcp\t'Transmission Control Protocol'
udp\t'User Datagram Protocol'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l sort-by -d 'What comes first; by default what the view is about, else what moved the most bytes in the last interval' -r -f -a "bytes\t'Bytes of both directions'
packets\t'Packets of both directions'
rtt\t'Mean round trip'
retransmits\t'Segments that were sent again'
connections\t'Connections that are open or were opened'
queries\t'Questions to DNS servers'
timeouts\t'Questions without an answer'
latency\t'Mean time to an answer'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l top -d 'How many rows; 20 in a table, all of them in data' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l interval -d 'Time between two looks at the sockets, from 500ms to 60s; 2s, with --once 1s' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l for -d 'Stop after this time, such as 60s, 5m or 1h30m, counted from the moment the probes listen' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -s o -l output -d 'Output format; without it a terminal gets the live screen' -r -f -a "table\t'A table per interval'
wide\t'The same with more columns'
json\t'One JSON object per node and interval'
yaml\t'One YAML document per node and interval'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l probe-namespace -d 'Namespace for the probe\'s objects, instead of the context\'s; it must exist' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l image -d 'Start the probe from this image instead of one that the node already has' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l profile -d 'Privileges of the probe; `auto` takes the weakest that gives the full result' -r -f -a "auto\t'The weakest that gives the full result on the node\'s kernel'
bpf\t'Capabilities BPF, PERFMON, NET_ADMIN, SYS_PTRACE'
sysadmin\t'The same and SYS_ADMIN'
privileged\t'A privileged container'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l all-nodes -d 'Listen to every node'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l local -d 'This machine instead of nodes: no cluster, no kubeconfig; Linux, as root'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -s A -l all-namespaces -d 'Show what goes on in every namespace, and outside of them; so it is without -n'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l once -d 'One table of the first whole interval, then the end'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l no-headers -d 'No header line in tables'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l allow-missing-nodes -d 'Do not fail when a node cannot be measured'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l no-bypass -d 'The probe listens on the node\'s loopback address alone: news of a kubelet that stops come when it runs again'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -l dry-run -d 'Print the objects that would be created, and create nothing'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from ports" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -s l -l selector -d 'Listen to all nodes with these labels' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l pod -d 'Only traffic of this pod' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l port -d 'Only traffic through this port of the side that listens' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l protocol -d 'Only traffic over this protocol' -r -f -a "tcp\t'Transmission Control Protocol'
udp\t'User Datagram Protocol'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l sort-by -d 'What comes first; by default what the view is about, else what moved the most bytes in the last interval' -r -f -a "bytes\t'Bytes of both directions'
packets\t'Packets of both directions'
rtt\t'Mean round trip'
retransmits\t'Segments that were sent again'
connections\t'Connections that are open or were opened'
queries\t'Questions to DNS servers'
timeouts\t'Questions without an answer'
latency\t'Mean time to an answer'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l top -d 'How many rows; 20 in a table, all of them in data' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l interval -d 'Time between two looks at the sockets, from 500ms to 60s; 2s, with --once 1s' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l for -d 'Stop after this time, such as 60s, 5m or 1h30m, counted from the moment the probes listen' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -s o -l output -d 'Output format; without it a terminal gets the live screen' -r -f -a "table\t'A table per interval'
wide\t'The same with more columns'
json\t'One JSON object per node and interval'
yaml\t'One YAML document per node and interval'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l probe-namespace -d 'Namespace for the probe\'s objects, instead of the context\'s; it must exist' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l image -d 'Start the probe from this image instead of one that the node already has' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l profile -d 'Privileges of the probe; `auto` takes the weakest that gives the full result' -r -f -a "auto\t'The weakest that gives the full result on the node\'s kernel'
bpf\t'Capabilities BPF, PERFMON, NET_ADMIN, SYS_PTRACE'
sysadmin\t'The same and SYS_ADMIN'
privileged\t'A privileged container'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l all-nodes -d 'Listen to every node'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l local -d 'This machine instead of nodes: no cluster, no kubeconfig; Linux, as root'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -s A -l all-namespaces -d 'Show what goes on in every namespace, and outside of them; so it is without -n'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l once -d 'One table of the first whole interval, then the end'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l no-headers -d 'No header line in tables'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l allow-missing-nodes -d 'Do not fail when a node cannot be measured'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l no-bypass -d 'The probe listens on the node\'s loopback address alone: news of a kubelet that stops come when it runs again'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -l dry-run -d 'Print the objects that would be created, and create nothing'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from latency" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -s l -l selector -d 'Listen to all nodes with these labels' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l pod -d 'Only traffic of this pod' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l port -d 'Only traffic through this port of the side that listens' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l protocol -d 'Only traffic over this protocol' -r -f -a "tcp\t'Transmission Control Protocol'
udp\t'User Datagram Protocol'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l sort-by -d 'What comes first; by default what the view is about, else what moved the most bytes in the last interval' -r -f -a "bytes\t'Bytes of both directions'
packets\t'Packets of both directions'
rtt\t'Mean round trip'
retransmits\t'Segments that were sent again'
connections\t'Connections that are open or were opened'
queries\t'Questions to DNS servers'
timeouts\t'Questions without an answer'
latency\t'Mean time to an answer'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l top -d 'How many rows; 20 in a table, all of them in data' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l interval -d 'Time between two looks at the sockets, from 500ms to 60s; 2s, with --once 1s' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l for -d 'Stop after this time, such as 60s, 5m or 1h30m, counted from the moment the probes listen' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -s o -l output -d 'Output format; without it a terminal gets the live screen' -r -f -a "table\t'A table per interval'
wide\t'The same with more columns'
json\t'One JSON object per node and interval'
yaml\t'One YAML document per node and interval'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l probe-namespace -d 'Namespace for the probe\'s objects, instead of the context\'s; it must exist' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l image -d 'Start the probe from this image instead of one that the node already has' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l profile -d 'Privileges of the probe; `auto` takes the weakest that gives the full result' -r -f -a "auto\t'The weakest that gives the full result on the node\'s kernel'
bpf\t'Capabilities BPF, PERFMON, NET_ADMIN, SYS_PTRACE'
sysadmin\t'The same and SYS_ADMIN'
privileged\t'A privileged container'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l all-nodes -d 'Listen to every node'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l local -d 'This machine instead of nodes: no cluster, no kubeconfig; Linux, as root'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -s A -l all-namespaces -d 'Show what goes on in every namespace, and outside of them; so it is without -n'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l once -d 'One table of the first whole interval, then the end'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l no-headers -d 'No header line in tables'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l allow-missing-nodes -d 'Do not fail when a node cannot be measured'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l no-bypass -d 'The probe listens on the node\'s loopback address alone: news of a kubelet that stops come when it runs again'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -l dry-run -d 'Print the objects that would be created, and create nothing'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from retransmits" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -s l -l selector -d 'Listen to all nodes with these labels' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l pod -d 'Only traffic of this pod' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l port -d 'Only traffic through this port of the side that listens' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l protocol -d 'Only traffic over this protocol' -r -f -a "tcp\t'Transmission Control Protocol'
udp\t'User Datagram Protocol'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l sort-by -d 'What comes first; by default what the view is about, else what moved the most bytes in the last interval' -r -f -a "bytes\t'Bytes of both directions'
packets\t'Packets of both directions'
rtt\t'Mean round trip'
retransmits\t'Segments that were sent again'
connections\t'Connections that are open or were opened'
queries\t'Questions to DNS servers'
timeouts\t'Questions without an answer'
latency\t'Mean time to an answer'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l top -d 'How many rows; 20 in a table, all of them in data' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l interval -d 'Time between two looks at the sockets, from 500ms to 60s; 2s, with --once 1s' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l for -d 'Stop after this time, such as 60s, 5m or 1h30m, counted from the moment the probes listen' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -s o -l output -d 'Output format; without it a terminal gets the live screen' -r -f -a "table\t'A table per interval'
wide\t'The same with more columns'
json\t'One JSON object per node and interval'
yaml\t'One YAML document per node and interval'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l probe-namespace -d 'Namespace for the probe\'s objects, instead of the context\'s; it must exist' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l image -d 'Start the probe from this image instead of one that the node already has' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l profile -d 'Privileges of the probe; `auto` takes the weakest that gives the full result' -r -f -a "auto\t'The weakest that gives the full result on the node\'s kernel'
bpf\t'Capabilities BPF, PERFMON, NET_ADMIN, SYS_PTRACE'
sysadmin\t'The same and SYS_ADMIN'
privileged\t'A privileged container'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l all-nodes -d 'Listen to every node'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l local -d 'This machine instead of nodes: no cluster, no kubeconfig; Linux, as root'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -s A -l all-namespaces -d 'Show what goes on in every namespace, and outside of them; so it is without -n'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l once -d 'One table of the first whole interval, then the end'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l no-headers -d 'No header line in tables'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l allow-missing-nodes -d 'Do not fail when a node cannot be measured'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l no-bypass -d 'The probe listens on the node\'s loopback address alone: news of a kubelet that stops come when it runs again'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -l dry-run -d 'Print the objects that would be created, and create nothing'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from drops" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -s l -l selector -d 'Listen to all nodes with these labels' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l pod -d 'Only traffic of this pod' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l port -d 'Only traffic through this port of the side that listens' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l protocol -d 'Only traffic over this protocol' -r -f -a "tcp\t'Transmission Control Protocol'
udp\t'User Datagram Protocol'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l sort-by -d 'What comes first; by default what the view is about, else what moved the most bytes in the last interval' -r -f -a "bytes\t'Bytes of both directions'
packets\t'Packets of both directions'
rtt\t'Mean round trip'
retransmits\t'Segments that were sent again'
connections\t'Connections that are open or were opened'
queries\t'Questions to DNS servers'
timeouts\t'Questions without an answer'
latency\t'Mean time to an answer'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l top -d 'How many rows; 20 in a table, all of them in data' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l interval -d 'Time between two looks at the sockets, from 500ms to 60s; 2s, with --once 1s' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l for -d 'Stop after this time, such as 60s, 5m or 1h30m, counted from the moment the probes listen' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -s o -l output -d 'Output format; without it a terminal gets the live screen' -r -f -a "table\t'A table per interval'
wide\t'The same with more columns'
json\t'One JSON object per node and interval'
yaml\t'One YAML document per node and interval'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l probe-namespace -d 'Namespace for the probe\'s objects, instead of the context\'s; it must exist' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l image -d 'Start the probe from this image instead of one that the node already has' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l profile -d 'Privileges of the probe; `auto` takes the weakest that gives the full result' -r -f -a "auto\t'The weakest that gives the full result on the node\'s kernel'
bpf\t'Capabilities BPF, PERFMON, NET_ADMIN, SYS_PTRACE'
sysadmin\t'The same and SYS_ADMIN'
privileged\t'A privileged container'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l all-nodes -d 'Listen to every node'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l local -d 'This machine instead of nodes: no cluster, no kubeconfig; Linux, as root'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -s A -l all-namespaces -d 'Show what goes on in every namespace, and outside of them; so it is without -n'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l once -d 'One table of the first whole interval, then the end'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l no-headers -d 'No header line in tables'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l allow-missing-nodes -d 'Do not fail when a node cannot be measured'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l no-bypass -d 'The probe listens on the node\'s loopback address alone: news of a kubelet that stops come when it runs again'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -l dry-run -d 'Print the objects that would be created, and create nothing'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand top; and __fish_seen_subcommand_from dns" -s V -l version -d 'Print version'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -s n -l namespace -d 'Namespace for the objects of a session; with `top`, the one to show' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -s V -l version -d 'Print version'
