//! The Rust mirrors against the BTF of the compiled object: same sizes, same
//! members, same offsets.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

use earthworm_ebpf::{ProgramCost, flows, pulse};
use std::collections::HashMap;
use std::mem::{offset_of, size_of};

/// A struct of the object: size and byte offset of each member.
#[derive(Debug)]
struct Layout {
    size: usize,
    members: HashMap<String, usize>,
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn text(bytes: &[u8], at: usize) -> String {
    let end = bytes[at..].iter().position(|byte| *byte == 0).unwrap();
    String::from_utf8(bytes[at..at + end].to_vec()).unwrap()
}

/// The section `.BTF` of a 64-bit little-endian ELF file.
fn btf_section(elf: &[u8]) -> &[u8] {
    let long = |at: usize| u64::from_le_bytes(elf[at..at + 8].try_into().unwrap()) as usize;
    let short = |at: usize| u16::from_le_bytes(elf[at..at + 2].try_into().unwrap()) as usize;
    let (headers, size, count, names) = (long(40), short(58), short(60), short(62));
    let names = long(headers + names * size + 24);
    (0..count)
        .map(|index| headers + index * size)
        .find(|header| text(elf, names + number(elf, *header)) == ".BTF")
        .map(|header| &elf[long(header + 24)..long(header + 24) + long(header + 32)])
        .expect("the object has BTF")
}

/// All structs, by the format of Documentation/bpf/btf.rst.
fn structs(btf: &[u8]) -> HashMap<String, Layout> {
    let header = number(btf, 4);
    let (types, types_size) = (header + number(btf, 8), number(btf, 12));
    let strings = header + number(btf, 16);
    let mut found = HashMap::new();
    let mut at = types;
    while at < types + types_size {
        let (name, info, size) = (number(btf, at), number(btf, at + 4), number(btf, at + 8));
        let (kind, count) = ((info >> 24) & 0x1f, info & 0xffff);
        at += 12;
        let extra = match kind {
            1 | 14 | 17 => 4,              // int, variable, declaration tag
            3 => 12,                       // array
            4 | 5 | 15 | 19 => 12 * count, // struct, union, data section, 64-bit enum
            6 | 13 => 8 * count,           // enum, function prototype
            _ => 0,
        };
        if kind == 4 {
            let members = (0..count)
                .map(|index| at + 12 * index)
                .map(|member| {
                    let bits = number(btf, member + 8) & 0x00ff_ffff;
                    (text(btf, strings + number(btf, member)), bits / 8)
                })
                .collect();
            found.insert(text(btf, strings + name), Layout { size, members });
        }
        at += extra;
    }
    found
}

macro_rules! same_layout {
    ($structs:expr, $name:literal, $mirror:ty, $($field:ident),+) => {{
        let layout = $structs.get($name).expect(concat!($name, " is in the object's BTF"));
        assert_eq!(layout.size, size_of::<$mirror>(), "size of {}", $name);
        let mirrored = [$((stringify!($field), offset_of!($mirror, $field))),+];
        assert_eq!(layout.members.len(), mirrored.len(), "members of {}", $name);
        for (field, offset) in mirrored {
            assert_eq!(layout.members.get(field), Some(&offset), "{}.{field}", $name);
        }
    }};
}

#[test]
fn mirrors_have_the_layout_of_the_object() {
    let structs = structs(btf_section(earthworm_ebpf::pulse_object()));
    same_layout!(structs, "pulse_header", pulse::Header, time_ns, kind, process, goroutine, stack);
    same_layout!(
        structs,
        "pulse_call",
        pulse::Call,
        header,
        controller,
        holder_length,
        unused,
        holder
    );
    same_layout!(structs, "pulse_return", pulse::Return, header, error);
    same_layout!(
        structs,
        "pulse_write",
        pulse::Write,
        header,
        connection,
        stream,
        format,
        length,
        unused,
        head,
        tail
    );
    same_layout!(structs, "pulse_headers", pulse::Headers, header, connection, stream, status);
    same_layout!(structs, "pulse_exit", pulse::Exit, header, code, unused);
    same_layout!(
        structs,
        "pulse_signal",
        pulse::Signal,
        header,
        signal,
        result,
        sender,
        from_kernel,
        sender_name
    );
    same_layout!(structs, "program_cost", ProgramCost, runs, run_ns);
}

#[test]
fn mirrors_of_flows_have_the_layout_of_the_object() {
    let structs = structs(btf_section(earthworm_ebpf::flows_object()));
    same_layout!(
        structs,
        "flow_socket",
        flows::Socket,
        cookie,
        bytes_sent,
        bytes_retransmitted,
        bytes_received,
        segments_sent,
        segments_received,
        retransmits,
        smoothed_rtt,
        minimum_rtt,
        network,
        process,
        creator,
        error,
        family,
        local_port,
        remote_port,
        state,
        state_before,
        flags,
        protocol,
        unused,
        local,
        remote,
        creator_name
    );
    same_layout!(
        structs,
        "drop_key",
        flows::DropKey,
        reason,
        network,
        port,
        protocol,
        unused,
        source,
        destination
    );
    same_layout!(structs, "drop_count", flows::DropCount, packets, bytes);
    same_layout!(
        structs,
        "datagram_key",
        flows::DatagramKey,
        network,
        port,
        direction,
        unused,
        local,
        remote
    );
    same_layout!(
        structs,
        "dns_question",
        flows::DnsQuestion,
        network,
        port,
        number,
        client,
        server
    );
    same_layout!(structs, "dns_key", flows::DnsKey, network, kind, unused, server);
    same_layout!(structs, "dns_count", flows::DnsCount, count, timed, micros, buckets);
    same_layout!(
        structs,
        "datagram_count",
        flows::DatagramCount,
        sent_packets,
        sent_bytes,
        received_packets,
        received_bytes,
        own_port,
        has_other_ports,
        unused
    );
    same_layout!(structs, "program_cost", ProgramCost, runs, run_ns);
}

#[test]
fn objects_are_aligned_elf_files() {
    for object in [earthworm_ebpf::pulse_object(), earthworm_ebpf::flows_object()] {
        assert_eq!(&object[..4], b"\x7fELF");
        assert_eq!(object.as_ptr() as usize % 16, 0);
    }
}
