//! What the kernel's words for dropped packets mean, in a few plain ones.

/// The reasons that are met most (`enum skb_drop_reason`), in the order of the
/// alphabet. What is not here means what its name says, or nothing to anybody
/// but the kernel's makers.
const MEANINGS: [(&str, &str); 49] = [
    ("BPF_CGROUP_EGRESS", "refused by an eBPF program of the sender's control group"),
    ("CPU_BACKLOG", "a processor's queue of received packets is full"),
    ("FQ_FLOW_LIMIT", "the connection's part of the sending queue is full"),
    ("FRAG_REASM_TIMEOUT", "other fragments of the packet never came"),
    ("FULL_RING", "the queue of a device is full"),
    ("ICMP_CSUM", "wrong checksum in ICMP"),
    ("IPV6DISABLED", "IPv6 is switched off at the interface"),
    ("IP_CSUM", "wrong checksum in the IP header"),
    ("IP_INADDRERRORS", "the destination address is not accepted here"),
    ("IP_INHDR", "the IP header makes no sense"),
    ("IP_INNOROUTES", "no route for a packet that came in"),
    ("IP_NOPROTO", "nobody handles that protocol"),
    ("IP_OUTNOROUTES", "no route to the destination"),
    ("IP_RPFILTER", "came in where its source is not expected (rp_filter)"),
    ("NEIGH_CREATEFAIL", "no room in the table of neighbours"),
    ("NEIGH_FAILED", "the next hop does not answer (ARP or neighbour discovery)"),
    ("NEIGH_QUEUEFULL", "too many packets wait for the next hop's answer"),
    ("NETFILTER_DROP", "dropped by a packet filter (nft, iptables, network policy)"),
    ("NOMEM", "no memory"),
    ("NOT_SPECIFIED", "the kernel gives no reason"),
    ("NO_SOCKET", "nobody listens at that port"),
    ("OTHERHOST", "sent to another machine's hardware address"),
    ("PKT_TOO_BIG", "larger than the way allows (MTU)"),
    ("PROTO_MEM", "the protocol's memory is used up"),
    ("QDISC_CONGESTED", "dropped by the sending queue against congestion"),
    ("QDISC_DROP", "the sending queue is full, or its rules dropped it"),
    ("QDISC_OVERLIMIT", "the sending queue is full"),
    ("QUEUE_PURGE", "waited in a queue that was emptied, as of a closed socket"),
    ("SECURITY_HOOK", "refused by a security module"),
    ("SOCKET_BACKLOG", "the receiving socket is busy, and its waiting room full"),
    ("SOCKET_CLOSE", "the socket was closed before it was read"),
    ("SOCKET_FILTER", "refused by a filter of the receiving socket"),
    ("SOCKET_RCVBUFF", "the receiving socket is full: its process reads too slowly"),
    ("TCP_CLOSE", "the connection is closed"),
    ("TCP_CSUM", "wrong checksum in TCP"),
    ("TCP_FLAGS", "the TCP flags do not fit the connection's state"),
    ("TCP_INVALID_SEQUENCE", "the sequence number is outside of the window"),
    ("TCP_LISTEN_OVERFLOW", "the listening process accepts too slowly"),
    ("TCP_OFO_DROP", "no room for what arrived out of order"),
    ("TCP_OFO_QUEUE_PRUNE", "memory ran short for what had arrived out of order"),
    ("TCP_OLD_ACK", "acknowledges what was acknowledged before"),
    ("TCP_OLD_DATA", "has arrived before: sent again without need"),
    ("TCP_OVERWINDOW", "more than the receiver's window allows"),
    ("TCP_RESET", "a reset that ended a connection"),
    ("TCP_ZEROWINDOW", "the receiver's window is closed"),
    ("TC_INGRESS", "dropped by traffic control on its way in"),
    ("UDP_CSUM", "wrong checksum in UDP"),
    ("UNHANDLED_PROTO", "nobody handles that kind of packet"),
    ("XDP", "dropped by an XDP program"),
];

/// What a reason means; `None` for those that are rarely met.
pub(super) fn meaning(reason: &str) -> Option<&'static str> {
    let place = MEANINGS.binary_search_by_key(&reason, |(word, _)| word).ok()?;
    Some(MEANINGS[place].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_speaks_plainly() {
        assert!(MEANINGS.is_sorted_by(|(one, _), (other, _)| one < other));
        for (reason, meaning) in MEANINGS {
            let is_word = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            assert!(reason.chars().all(is_word), "{reason}");
            assert!(!meaning.ends_with('.') && meaning.len() <= 60, "{reason}: {meaning}");
        }
    }

    #[test]
    fn words_that_are_looked_up() {
        assert_eq!(meaning("NO_SOCKET"), Some("nobody listens at that port"));
        assert_eq!(meaning("NOT_SPECIFIED"), Some("the kernel gives no reason"));
        assert_eq!(meaning("CAN_RX_INVALID_FRAME"), None);
        assert_eq!(meaning("0x20001"), None);
    }

    /// A word that no kernel says would never be looked up.
    #[test]
    fn this_kernel_knows_most_of_them() {
        let Ok(types) = std::fs::read("/sys/kernel/btf/vmlinux") else { return };
        let names: std::collections::HashSet<&[u8]> = types.split(|byte| *byte == 0).collect();
        let known = |reason: &str| names.contains(format!("SKB_DROP_REASON_{reason}").as_bytes());
        // Kernels below 5.17 have none, and older ones fewer.
        if !known("TCP_LISTEN_OVERFLOW") {
            return;
        }
        for (reason, _) in MEANINGS {
            assert!(known(reason), "{reason}");
        }
    }
}
