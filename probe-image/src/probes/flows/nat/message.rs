//! Questions to the kernel's connection tracking and its answers, as bytes
//! (include/uapi/linux/netfilter/nfnetlink_conntrack.h).

use std::net::{IpAddr, SocketAddr};

/// `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET`.
const GET: u16 = 1 << 8 | 1;
/// `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW`: also how entries are shown.
const NEW: u16 = 1 << 8;
/// `NLMSG_ERROR`.
const ERROR: u16 = 2;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;

const MESSAGE_HEADER: usize = 16;
/// `struct nfgenmsg`.
const FAMILY_HEADER: usize = 4;
const ATTRIBUTE_HEADER: usize = 4;

/// `NLA_F_NESTED`.
const NESTED: u16 = 1 << 15;
/// `NLA_TYPE_MASK`.
const TYPE_MASK: u16 = 0x3fff;

const TUPLE_ORIGINAL: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const TUPLE_ADDRESSES: u16 = 1;
const TUPLE_PROTOCOL: u16 = 2;
const PROTOCOL_NUMBER: u16 = 1;
const SOURCE_PORT: u16 = 2;
const DESTINATION_PORT: u16 = 3;
const IPV4_SOURCE: u16 = 1;
const IPV4_DESTINATION: u16 = 2;
const IPV6_SOURCE: u16 = 3;
const IPV6_DESTINATION: u16 = 4;

const TCP: u8 = 6;

/// What the kernel says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Where the answers to the connection come from.
    Source(SocketAddr),
    /// It does not know the connection.
    Unknown,
    /// It does not want to say; errno.
    Refused(i32),
    /// Something else.
    Other,
}

/// Asks for a TCP connection by what its client sends; `None` for addresses of
/// two kinds.
pub(super) fn question(sequence: u32, client: SocketAddr, server: SocketAddr) -> Option<Vec<u8>> {
    let (family, addresses) = match (client.ip(), server.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let from = attribute(IPV4_SOURCE, &from.octets());
            (libc::AF_INET, [from, attribute(IPV4_DESTINATION, &to.octets())].concat())
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let from = attribute(IPV6_SOURCE, &from.octets());
            (libc::AF_INET6, [from, attribute(IPV6_DESTINATION, &to.octets())].concat())
        }
        _ => return None,
    };
    let protocol = [
        attribute(PROTOCOL_NUMBER, &[TCP]),
        attribute(SOURCE_PORT, &client.port().to_be_bytes()),
        attribute(DESTINATION_PORT, &server.port().to_be_bytes()),
    ]
    .concat();
    let tuple = [
        attribute(TUPLE_ADDRESSES | NESTED, &addresses),
        attribute(TUPLE_PROTOCOL | NESTED, &protocol),
    ]
    .concat();
    let body = attribute(TUPLE_ORIGINAL | NESTED, &tuple);
    let length = u32::try_from(MESSAGE_HEADER + FAMILY_HEADER + body.len()).ok()?;
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(GET.to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    message.extend(sequence.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend([u8::try_from(family).ok()?, 0, 0, 0]);
    message.extend(body);
    Some(message)
}

/// One attribute: length, type, value, padded to four bytes.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    // Values here have some dozen bytes.
    let length = u16::try_from(ATTRIBUTE_HEADER + value.len()).unwrap_or(u16::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Reads the answer to the question with this number.
pub(super) fn answer(bytes: &[u8], sequence: u32) -> Answer {
    read(bytes, sequence).unwrap_or(Answer::Other)
}

fn read(bytes: &[u8], sequence: u32) -> Option<Answer> {
    let length = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
    let message = bytes.get(..length)?;
    let kind = u16::from_ne_bytes(*message.get(4..)?.first_chunk()?);
    if u32::from_ne_bytes(*message.get(8..)?.first_chunk()?) != sequence {
        return None;
    }
    let body = message.get(MESSAGE_HEADER..)?;
    match kind {
        ERROR => {
            let code = -i32::from_ne_bytes(*body.first_chunk()?);
            Some(if code == libc::ENOENT { Answer::Unknown } else { Answer::Refused(code) })
        }
        NEW => {
            let reply = find(body.get(FAMILY_HEADER..)?, TUPLE_REPLY)?;
            let addresses = find(reply, TUPLE_ADDRESSES)?;
            let protocol = find(reply, TUPLE_PROTOCOL)?;
            let address = match find(addresses, IPV4_SOURCE) {
                Some(four) => IpAddr::from(*four.first_chunk::<4>()?),
                None => IpAddr::from(*find(addresses, IPV6_SOURCE)?.first_chunk::<16>()?),
            };
            let port = u16::from_be_bytes(*find(protocol, SOURCE_PORT)?.first_chunk()?);
            Some(Answer::Source(SocketAddr::new(address, port)))
        }
        _ => None,
    }
}

/// The value of the first attribute of a kind.
fn find(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16::from_ne_bytes(*attributes.first_chunk()?));
        let kind = u16::from_ne_bytes(*attributes.get(2..)?.first_chunk()?);
        let value = attributes.get(ATTRIBUTE_HEADER..length)?;
        if kind & TYPE_MASK == wanted {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// An entry as the kernel shows it: the question's form with a reply tuple.
    fn shown(sequence: u32, from: &str, to: &str) -> Vec<u8> {
        let mut bytes = question(sequence, address(from), address(to)).unwrap();
        bytes[4..6].copy_from_slice(&NEW.to_ne_bytes());
        // Something that is not looked for comes first.
        let tuple = bytes.split_off(MESSAGE_HEADER + FAMILY_HEADER);
        bytes.extend(attribute(3, &[0, 0, 1, 8]));
        let at = bytes.len();
        bytes.extend(tuple);
        bytes[at + 2..at + 4].copy_from_slice(&(TUPLE_REPLY | NESTED).to_ne_bytes());
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&length.to_ne_bytes());
        bytes
    }

    #[test]
    fn the_source_of_the_reply_is_who_answers() {
        let entry = shown(7, "10.0.0.2:8443", "10.0.0.1:40000");
        assert_eq!(answer(&entry, 7), Answer::Source(address("10.0.0.2:8443")));
        assert_eq!(answer(&entry, 8), Answer::Other);
        let six = shown(7, "[2001:db8::2]:53", "[2001:db8::1]:40000");
        assert_eq!(answer(&six, 7), Answer::Source(address("[2001:db8::2]:53")));
    }

    #[test]
    fn errors_are_told_apart() {
        let mut bytes = question(1, address("10.0.0.1:1"), address("10.0.0.2:2")).unwrap();
        bytes[4..6].copy_from_slice(&ERROR.to_ne_bytes());
        for (code, expected) in
            [(libc::ENOENT, Answer::Unknown), (libc::EPERM, Answer::Refused(libc::EPERM))]
        {
            bytes[16..20].copy_from_slice(&(-code).to_ne_bytes());
            assert_eq!(answer(&bytes, 1), expected);
        }
    }

    #[test]
    fn damage_anywhere_is_no_answer() {
        let entry = shown(7, "10.0.0.2:8443", "10.0.0.1:40000");
        for cut in 0..entry.len() {
            assert_eq!(answer(&entry[..cut], 7), Answer::Other, "{cut}");
        }
        for at in 0..entry.len() {
            let mut damaged = entry.clone();
            damaged[at] = 0;
            // Whatever it says, it ends and does not panic.
            let _ = answer(&damaged, 7);
            damaged[at] = 0xff;
            let _ = answer(&damaged, 7);
        }
    }

    #[test]
    fn addresses_of_two_kinds_are_not_asked_about() {
        assert_eq!(question(1, address("10.0.0.1:1"), address("[2001:db8::1]:1")), None);
    }
}
