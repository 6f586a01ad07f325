//! Reads a Lease out of the plaintext of a request to renew it.

use earthworm_ebpf::pulse::{FORMAT_HTTP1, FORMAT_JSON, FORMAT_PROTOBUF};

/// HTTP/2 frame header, then 37 bytes that every Lease in protobuf starts
/// with, then the tag of the object itself.
const PROTOBUF_START: usize = 9 + 37 + 1;
/// What follows the object in a protobuf request: `contentEncoding` and
/// `contentType`, both empty.
const PROTOBUF_END: [u8; 4] = [0x1a, 0, 0x22, 0];

/// What a renewal says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Renewal {
    /// `metadata.name`, when it could be read.
    pub(super) name: Option<String>,
    /// `spec.renewTime` in microseconds since the Unix epoch.
    pub(super) renew_time_micros: Option<i64>,
}

/// Reads a renewal from the first and the last bytes of a buffer of
/// `length` bytes; `format` is one of the `FORMAT_` constants.
#[must_use]
pub(super) fn parse(format: u32, length: usize, head: &[u8], tail: &[u8]) -> Renewal {
    let head = &head[..head.len().min(length)];
    let tail = &tail[tail.len().saturating_sub(length)..];
    match format {
        FORMAT_PROTOBUF => protobuf(length, head, tail),
        FORMAT_JSON => Renewal {
            name: after(head, b"\"metadata\":{\"name\":\"", b'"'),
            renew_time_micros: json_renew_time(tail),
        },
        FORMAT_HTTP1 => http1(head, tail),
        _ => Renewal::default(),
    }
}

fn protobuf(length: usize, head: &[u8], tail: &[u8]) -> Renewal {
    let mut renewal = Renewal::default();
    let mut message = head.get(PROTOBUF_START..).unwrap_or_default();
    let Some(_object_length) = varint(&mut message) else { return renewal };
    // The fields of the Lease, as far as they were copied.
    for (number, field) in Fields(message) {
        match (number, field) {
            (1, Field::Bytes(bytes) | Field::Cut(bytes)) => {
                renewal.name = Fields(bytes).find_map(|(number, field)| match field {
                    Field::Bytes(name) if number == 1 => {
                        std::str::from_utf8(name).ok().map(str::to_owned)
                    }
                    _ => None,
                });
            }
            (2, Field::Bytes(bytes)) => {
                renewal.renew_time_micros = Fields(bytes).find_map(|(number, field)| match field {
                    Field::Bytes(time) if number == 4 => timestamp(time),
                    _ => None,
                });
                break;
            }
            _ => {}
        }
    }
    if renewal.renew_time_micros.is_none() && length > head.len() {
        renewal.renew_time_micros = protobuf_end(tail);
    }
    renewal
}

/// `renewTime` as the last field of the object, when the start was too long to
/// hold it: `22 len { 08 seconds 10 nanoseconds }` right before the end.
fn protobuf_end(tail: &[u8]) -> Option<i64> {
    let object = tail.strip_suffix(&PROTOBUF_END)?;
    (2..=18).find_map(|size| {
        let start = object.len().checked_sub(size + 2)?;
        match &object[start..] {
            [0x22, length, time @ ..] if usize::from(*length) == size => timestamp(time),
            _ => None,
        }
    })
}

/// A protobuf Timestamp in microseconds; `None` unless it is one to its last byte.
fn timestamp(bytes: &[u8]) -> Option<i64> {
    let (mut seconds, mut nanoseconds) = (None, 0);
    let mut rest = Fields(bytes);
    for (number, field) in rest.by_ref() {
        match (number, field) {
            (1, Field::Number(value)) => seconds = Some(value.cast_signed()),
            (2, Field::Number(value)) => nanoseconds = i64::try_from(value).ok()?,
            _ => return None,
        }
    }
    if !rest.0.is_empty() || nanoseconds >= 1_000_000_000 {
        return None;
    }
    seconds?.checked_mul(1_000_000)?.checked_add(nanoseconds / 1000)
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// What there is of a field that goes on behind the end of the copy.
    Cut(&'a [u8]),
    Other,
}

/// Field by field through a protobuf message; ends at its end or where it
/// makes no sense, leaving the rest.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = self.0;
        let tag = varint(&mut bytes)?;
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut bytes)?),
            1 => {
                bytes = bytes.get(8..)?;
                Field::Other
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                match bytes.split_at_checked(length) {
                    Some((field, rest)) => {
                        bytes = rest;
                        Field::Bytes(field)
                    }
                    None => Field::Cut(std::mem::take(&mut bytes)),
                }
            }
            5 => {
                bytes = bytes.get(4..)?;
                Field::Other
            }
            _ => return None,
        };
        self.0 = bytes;
        Some((tag >> 3, field))
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// HTTP/1.1: the name is in the request line, the body's own format shows at its start.
fn http1(head: &[u8], tail: &[u8]) -> Renewal {
    let line_end = head.iter().position(|byte| *byte == b'\r').unwrap_or(head.len());
    let path = &head[..line_end];
    let name = after(path, b"/leases/", b'?').or_else(|| after(path, b"/leases/", b' '));
    Renewal { name, renew_time_micros: protobuf_end(tail).or_else(|| json_renew_time(tail)) }
}

/// The text between `start` and the next `end`.
fn after(bytes: &[u8], start: &[u8], end: u8) -> Option<String> {
    let at = bytes.windows(start.len()).position(|window| window == start)? + start.len();
    let length = bytes[at..].iter().position(|byte| *byte == end)?;
    String::from_utf8(bytes[at..at + length].to_vec()).ok()
}

fn json_renew_time(bytes: &[u8]) -> Option<i64> {
    rfc3339_micros(&after(bytes, b"\"renewTime\":\"", b'"')?)
}

/// `2026-11-21T10:50:00.123456Z`, the only form Kubernetes writes a MicroTime in.
fn rfc3339_micros(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z')?;
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut time = time.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    if !(1..=12).contains(&month) || fraction.len() > 9 || !(0..=9999).contains(&year) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * 1_000_000 + micros)
}

/// Days since 1970-01-01 of a Gregorian date: years counted from March, so
/// that the leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use earthworm_ebpf::pulse::{HEAD_BYTES, TAIL_BYTES};

    const NAME: &str = "worker-0001.example.internal";

    fn length_delimited(tag: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        let mut length = bytes.len();
        while length >= 0x80 {
            out.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend(bytes);
        out
    }

    fn frame(name: &str, managed_fields: usize, spec_end: &[u8]) -> Vec<u8> {
        let mut metadata = length_delimited(0x0a, name.as_bytes());
        metadata.extend([0x12, 0]);
        metadata.extend(length_delimited(0x1a, b"kube-node-lease"));
        metadata.extend([0x38, 0, 0x42, 0]);
        if managed_fields > 0 {
            metadata.extend([0x8a, 1]);
            metadata.extend(&length_delimited(0, &vec![b'x'; managed_fields])[1..]);
        }
        let mut spec = length_delimited(0x0a, name.as_bytes());
        spec.extend([0x10, 0x28]);
        spec.extend(spec_end);
        let mut lease = length_delimited(0x0a, &metadata);
        lease.extend(length_delimited(0x12, &spec));
        let mut body = b"k8s\0\x0a\x1f\x0a\x16coordination.k8s.io/v1\x12\x05Lease".to_vec();
        body.extend(length_delimited(0x12, &lease));
        body.extend(PROTOBUF_END);
        let mut frame = vec![0, 0, body.len() as u8, 0, 1, 0, 0, 0, 7];
        frame.extend(body);
        frame
    }

    /// As the kernel program cuts it.
    fn parse_cut(format: u32, buffer: &[u8]) -> Renewal {
        let mut head = [0xee; HEAD_BYTES];
        let kept = buffer.len().min(HEAD_BYTES);
        head[..kept].copy_from_slice(&buffer[..kept]);
        let mut tail = [0; TAIL_BYTES];
        tail.copy_from_slice(&buffer[buffer.len() - TAIL_BYTES..]);
        parse(format, buffer.len(), &head, &tail)
    }

    const TIME: [u8; 14] =
        [0x22, 0x0c, 0x08, 0xf4, 0xed, 0x83, 0xd8, 0x06, 0x10, 0xd0, 0xf3, 0x8e, 0x86, 0x02];
    const TIME_MICROS: i64 = 1_795_225_332_549_698;

    #[test]
    fn protobuf_bodies() {
        let expected =
            Renewal { name: Some(NAME.to_owned()), renew_time_micros: Some(TIME_MICROS) };
        assert_eq!(parse_cut(FORMAT_PROTOBUF, &frame(NAME, 0, &TIME)), expected);
        assert_eq!(parse_cut(FORMAT_PROTOBUF, &frame(NAME, 250, &TIME)), expected);
        // Longer than what is kept of the start: the end tells.
        assert_eq!(parse_cut(FORMAT_PROTOBUF, &frame(NAME, 3000, &TIME)), expected);
        // Cut in the middle of the time itself, at every byte.
        for managed in 780..830 {
            assert_eq!(parse_cut(FORMAT_PROTOBUF, &frame(NAME, managed, &TIME)), expected);
        }
        // A field behind the time, such as leaseTransitions.
        let mut longer = TIME.to_vec();
        longer.extend([0x28, 3]);
        assert_eq!(parse_cut(FORMAT_PROTOBUF, &frame(NAME, 250, &longer)), expected);
        // A whole second has no nanoseconds, or an explicit zero.
        let whole = [0x22, 0x08, 0x08, 0xf4, 0xed, 0x83, 0xd8, 0x06, 0x10, 0x00];
        let micros = parse_cut(FORMAT_PROTOBUF, &frame(NAME, 0, &whole)).renew_time_micros;
        assert_eq!(micros, Some(1_795_225_332_000_000));
    }

    #[test]
    fn long_names_are_read_whole() {
        let name = "n".repeat(253);
        let renewal = parse_cut(FORMAT_PROTOBUF, &frame(&name, 250, &TIME));
        assert_eq!(renewal, Renewal { name: Some(name), renew_time_micros: Some(TIME_MICROS) });
    }

    #[test]
    fn json_bodies() {
        let mut buffer = vec![0, 1, 0, 0, 1, 0, 0, 0, 7];
        buffer.extend_from_slice(
            br#"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"node-a","namespace":"kube-node-lease"},"spec":{"holderIdentity":"node-a","leaseDurationSeconds":40,"renewTime":"2026-11-21T01:42:12.549698Z"}}"#,
        );
        buffer.push(b'\n');
        let renewal = parse_cut(FORMAT_JSON, &buffer);
        assert_eq!(renewal.name.as_deref(), Some("node-a"));
        assert_eq!(renewal.renew_time_micros, Some(TIME_MICROS));
    }

    #[test]
    fn http1_requests() {
        let mut buffer =
            b"PUT /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-a?timeout=10s HTTP/1.1\r\nHost: x\r\n\r\n"
                .to_vec();
        buffer.extend(&frame("node-a", 0, &TIME)[9..]);
        let renewal = parse_cut(FORMAT_HTTP1, &buffer);
        assert_eq!(renewal.name.as_deref(), Some("node-a"));
        assert_eq!(renewal.renew_time_micros, Some(TIME_MICROS));
    }

    #[test]
    fn garbage_says_nothing() {
        for length in [64usize, 65, 200, 1024, 4096] {
            for byte in [0u8, 0x0a, 0x22, 0x80, 0xff] {
                for format in [FORMAT_PROTOBUF, FORMAT_JSON, FORMAT_HTTP1, 9] {
                    let renewal = parse_cut(format, &vec![byte; length]);
                    assert_eq!(renewal.renew_time_micros, None, "{format} {length} {byte}");
                }
            }
        }
    }

    #[test]
    fn dates() {
        assert_eq!(rfc3339_micros("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(rfc3339_micros("2024-02-29T12:00:00.5Z"), Some(1_709_208_000_500_000));
        assert_eq!(rfc3339_micros("2024-02-29 12:00:00Z"), None);
        assert_eq!(rfc3339_micros("2024-13-01T00:00:00Z"), None);
    }
}
