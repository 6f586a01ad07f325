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
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_needs_command" -s n -l namespace -d 'Namespace for the objects of a session' -r
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
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand pulse" -s n -l namespace -d 'Namespace for the objects of a session' -r
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
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -l kubeconfig -d 'Path to the kubeconfig file to use' -r -F
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -s n -l namespace -d 'Namespace for the objects of a session' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -l as -d 'User to impersonate' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -l as-group -d 'Group to impersonate, can be repeated' -r
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -l color -d 'When to use colours; NO_COLOR is obeyed' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -s q -l quiet -d 'Say nothing but data and errors'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -s v -l verbose -d 'Say more: which profile, which image, why a better lead failed'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-earthworm -n "__fish_kubectl_earthworm_using_subcommand completion" -s V -l version -d 'Print version'
