//! Made-up event sequences and the records they must become.

use earthworm_wire::record::{Beat, IncidentKind, Record};

use super::assembler::Assembler;
use super::event::{Event, EventKind, Stream};
use super::lease::Renewal;
use crate::clock::ClockOffset;

/// Wall clock minus monotonic clock, in nanoseconds.
const OFFSET_NS: i64 = 1_000_000_000_000;

/// Reads one event from `microseconds goroutine what arguments`:
/// `sync`, `new`, `return ok|error`, `write STREAM RENEW_MICROS [NAME]`,
/// `headers STREAM STATUS`, `exit CODE`, `signal NUMBER`, `tick`. A goroutine
/// written `g/s` has the stack pointer `s`.
fn event(line: &str) -> Option<Event> {
    let mut words = line.split_whitespace();
    let time_ns = words.next()?.parse::<u64>().ok()? * 1000;
    let (goroutine, stack) = words.next()?.split_once('/').unwrap_or(("", "0"));
    let (goroutine, stack) = match goroutine {
        "" => (line.split_whitespace().nth(1)?, "0"),
        goroutine => (goroutine, stack),
    };
    let what = words.next()?;
    let mut number = || words.next().and_then(|word| word.parse::<i64>().ok());
    let stream = |id: i64| Stream { connection: 0xc0de, id: u32::try_from(id).unwrap() };
    let kind = match what {
        "sync" => EventKind::Sync(Some("node-a".to_owned())),
        "new" => EventKind::NewLease(Some("node-a".to_owned())),
        "othersync" => EventKind::Sync(Some("node-b".to_owned())),
        "othernew" => EventKind::NewLease(Some("node-b".to_owned())),
        "return" => EventKind::RetryReturn { success: words.next() == Some("ok") },
        "write" => {
            let (id, micros) = (number()?, number()?);
            let name = words.next().unwrap_or("node-a");
            let renewal = Renewal {
                name: (name != "?").then(|| name.to_owned()),
                renew_time_micros: Some(OFFSET_NS / 1000 + micros),
            };
            EventKind::Write { stream: stream(id), renewal }
        }
        "headers" => {
            let id = number()?;
            EventKind::Headers { stream: stream(id), status: u16::try_from(number()?).ok() }
        }
        "exit" => EventKind::Exit(i32::try_from(number()?).ok()?),
        "signal" => EventKind::Signal {
            signal: i32::try_from(number()?).ok()?,
            ignored: words.next() == Some("ignored"),
            sender: "sh[9]".to_owned(),
        },
        other => panic!("unknown event {other:?}"),
    };
    Some(Event {
        time_ns,
        process: 7,
        goroutine: goroutine.parse().unwrap(),
        stack: stack.parse().unwrap(),
        kind,
    })
}

/// Microseconds of an instant.
fn micros(time: Option<i64>) -> String {
    time.map_or("-".to_owned(), |time| ((time - OFFSET_NS) / 1000).to_string())
}

/// `lead outcome started+attempts=ended renew`, an attempt as
/// `[prepared written renewed answered status round-trip]`.
fn describe(record: &Record) -> String {
    match record {
        Record::Beat(Beat { lead, started, attempts, outcome, ended, renew_seconds }) => {
            let mut text = format!("{} {outcome:?} {}", lead.name(), micros(*started));
            for attempt in attempts {
                text += &format!(
                    " [{} {} {} {} {} {}]",
                    micros(attempt.prepared),
                    micros(attempt.written),
                    attempt
                        .renew_time_micros
                        .map_or("-".to_owned(), |m| (m - OFFSET_NS / 1000).to_string()),
                    micros(attempt.answered),
                    attempt.http_status.map_or("-".to_owned(), |status| status.to_string()),
                    attempt
                        .round_trip_seconds
                        .map_or("-".to_owned(), |s| format!("{:.0}", s * 1e6)),
                );
            }
            let renew = renew_seconds.map_or("-".to_owned(), |s| format!("{:.0}", s * 1e6));
            text + &format!(" = {} {renew}", micros(Some(*ended)))
        }
        Record::Incident(incident) => {
            assert_eq!(incident.pid, 7);
            let sender = incident.sender.as_deref().unwrap_or("-");
            format!("{:?} {} {sender}", incident.kind, micros(Some(incident.time)))
        }
        other => panic!("unexpected {other:?}"),
    }
}

fn check(events: &str, expected: &str) {
    let mut assembler = Assembler::new("node-a");
    let mut records = Vec::new();
    for line in events.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some((time, "tick")) = line.split_once(' ') {
            assembler.tick(time.parse::<u64>().unwrap() * 1000, &mut records);
        } else {
            let event = event(line).unwrap_or_else(|| panic!("not an event: {line}"));
            assembler.event(&event, ClockOffset::from_nanoseconds(OFFSET_NS), &mut records);
        }
    }
    let described: Vec<String> = records.iter().map(describe).collect();
    let expected: Vec<&str> =
        expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(described, expected, "{events}");
    assert_eq!(assembler.overflowed(), 0);
}

#[test]
fn a_healthy_beat() {
    check(
        "1000 5 sync
         1020 5 new
         1400 6 write 7 1021
         5400 8 headers 7 200
         5700 5 return ok",
        "conduction Renewed 1000 [1020 1400 1021 5400 200 4000] = 5700 4700",
    );
}

#[test]
fn five_failures_then_a_new_beat_of_the_same_run() {
    check(
        "1000 5 sync
         1100 5 new
         1110 6 write 1 1101
         1200 8 headers 1 500
         1300 5 new
         1310 6 write 3 1301
         1400 8 headers 3 500
         1500 5 new
         1510 6 write 5 1501
         1600 8 headers 5 429
         1700 5 new
         1710 6 write 7 1701
         1800 8 headers 7 500
         1900 5 new
         1910 6 write 9 1901
         2000 8 headers 9 500
         2100 5 return error
         9000 5 new
         9010 6 write 11 9001
         9100 8 headers 11 200
         9200 5 return ok",
        "conduction Failed 1000 [1100 1110 1101 1200 500 90] [1300 1310 1301 1400 500 90] [1500 1510 1501 1600 429 90] [1700 1710 1701 1800 500 90] [1900 1910 1901 2000 500 90] = 2100 1100
         conduction Renewed - [9000 9010 9001 9100 200 90] = 9200 190",
    );
}

#[test]
fn an_attempt_without_an_answer_is_told_when_the_next_one_begins() {
    check(
        "1000 5 sync
         1100 5 new
         1110 6 write 1 1101
         10001100 5 new
         10001110 6 write 3 10001101
         20001100 5 new
         20001110 6 write 5 20001101
         20001200 8 headers 5 200
         20001300 5 return ok",
        "conduction Failed 1000 [1100 1110 1101 - - -] = 10001100 10000100
         conduction Failed - [10001100 10001110 10001101 - - -] = 20001100 9999990
         conduction Renewed - [20001100 20001110 20001101 20001200 200 90] = 20001300 190",
    );
}

#[test]
fn conflict_and_second_attempt() {
    check(
        "1000 5 sync
         1020 5 new
         1400 6 write 7 1021
         5400 8 headers 7 409
         7000 5 new
         7100 6 write 11 7001
         7500 8 headers 11 200
         7600 5 return ok",
        "conduction Renewed 1000 [1020 1400 1021 5400 409 4000] [7000 7100 7001 7500 200 400] = 7600 6600",
    );
}

#[test]
fn attempts_that_reach_no_connection() {
    check(
        "1000 5/90 sync
         1020 5/80 new
         1060 5/80 new
         1100 5/80 new
         1140 5/80 new
         1180 5/80 new
         1220 5 return error",
        "conduction Failed 1000 [1020 - - - - -] [1060 - - - - -] [1100 - - - - -] [1140 - - - - -] [1180 - - - - -] = 1220 220",
    );
}

#[test]
fn a_growing_stack_counts_once() {
    check(
        "1000 5/90 sync
         1030 5/190 sync
         1050 5/80 new
         1090 5/280 new
         1400 6/10 write 7 1091
         1430 6/20 write 7 1091
         5400 8/10 headers 7 200
         5430 8/20 headers 7 200
         5700 5 return ok",
        "conduction Renewed 1000 [1050 1400 1091 5400 200 4000] = 5700 4700",
    );
}

#[test]
fn plaintext_alone() {
    check(
        "1400 6 write 7 1021
         5400 8 headers 7 200
         20000 6 write 9 19900
         21000 8 headers 9 409
         30000 6 write 11 29900
         10000000 tick
         11029999 tick
         11030000 tick
         11030001 8 headers 11 200",
        "plaintext Renewed - [- 1400 1021 5400 200 4000] = 5400 4000
         plaintext Failed - [- 20000 19900 21000 409 1000] = 21000 1000
         plaintext Unknown - [- 30000 29900 - - -] = 30000 0",
    );
}

#[test]
fn conduction_alone() {
    check(
        "1000 5 sync
         1020 5 new
         5700 5 return ok",
        "conduction Renewed 1000 [1020 - - - - -] = 5700 4700",
    );
}

#[test]
fn informational_answers_are_not_the_answer() {
    check(
        "1400 6 write 7 1021
         2000 8 headers 7 103
         5400 8 headers 7 200",
        "plaintext Renewed - [- 1400 1021 5400 200 4000] = 5400 4000",
    );
}

#[test]
fn creating_the_lease_returns_from_nothing() {
    check(
        "1000 5 sync
         1020 5 new
         1400 6 write 7 1021
         5400 8 headers 7 201
         1005400 tick",
        "conduction Renewed 1000 [1020 1400 1021 5400 201 4000] = 5400 4400",
    );
    // The next run comes before anybody looked.
    check(
        "1000 5 sync
         1020 5 new
         1400 6 write 7 1021
         5400 8 headers 7 201
         8000 5 sync
         8100 5 new
         8900 5 return ok",
        "conduction Renewed 1000 [1020 1400 1021 5400 201 4000] = 5400 4400
         conduction Renewed 8000 [8100 - - - - -] = 8900 900",
    );
}

#[test]
fn leases_of_others_do_not_count() {
    check(
        "1000 4 othersync
         1001 5 sync
         1020 4 othernew
         1021 5 new
         1400 6 write 7 1020 node-b
         1410 6 write 9 1022
         5400 8 headers 7 200
         5410 8 headers 9 200
         5700 4 return ok
         5710 5 return ok",
        "conduction Renewed 1001 [1021 1410 1022 5410 200 4000] = 5710 4709",
    );
}

#[test]
fn two_unnamed_controllers_are_told_apart_by_the_time_in_the_lease() {
    check(
        "1000 4 sync
         1001 5 sync
         1020 4 new
         1090 5 new
         1400 6 write 7 1091 ?
         1410 6 write 9 1021 ?
         5700 4 return ok
         5710 5 return ok",
        "conduction Renewed 1000 [1020 1410 1021 - - -] = 5700 4700
         conduction Renewed 1001 [1090 1400 1091 - - -] = 5710 4709",
    );
}

#[test]
fn the_same_lease_again_is_not_another_beat() {
    // A transport that sends the request again on another stream, and an API
    // server in the same process that answers with the Lease.
    check(
        "1000 5 sync
         1020 5 new
         1400 6 write 7 1021
         2000 6 write 101 1021
         5400 8 headers 101 200
         5700 5 return ok
         5800 6 write 103 1021
         99000000 tick",
        "conduction Renewed 1000 [1020 1400 1021 5400 200 4000] = 5700 4700",
    );
}

#[test]
fn probes_that_come_in_the_middle_of_a_beat() {
    check(
        "1400 6 write 7 1021
         5400 8 headers 7 200
         5700 5 return ok
         9000 5 sync
         9001 5 new
         9002 5 return ok",
        "plaintext Renewed - [- 1400 1021 5400 200 4000] = 5400 4000
         conduction Renewed 9000 [9001 - - - - -] = 9002 2",
    );
}

#[test]
fn an_ending_process_leaves_its_beat_unknown() {
    check(
        "1000 5 sync
         1020 5 new
         1400 6 write 7 1021
         2000 9 signal 9
         2100 7 exit 9",
        "Signalled(9) 2000 sh[9]
         conduction Unknown 1000 [1020 1400 1021 - - -] = 2100 1100
         Killed(9) 2100 -",
    );
    check("2100 7 exit 768", "Exited(3) 2100 -");
    check("2100 7 exit 0", "Exited(0) 2100 -");
    check("2100 7 exit 139", "Killed(11) 2100 -");
}

#[test]
fn stop_and_continue() {
    check(
        "1 1 signal 19
         2 1 signal 18 ignored
         3 1 signal 20 ignored
         4 1 signal 20
         5 1 signal 15
         6 1 signal 1 ignored",
        "Stopped 1 sh[9]
         Continued 2 sh[9]
         Stopped 4 sh[9]
         Signalled(15) 5 sh[9]",
    );
    // The kind is what the words above say, not only its text.
    let mut records = Vec::new();
    let stop = event("1 1 signal 19").unwrap();
    Assembler::new("x").event(&stop, ClockOffset::from_nanoseconds(0), &mut records);
    assert!(matches!(&records[0], Record::Incident(i) if i.kind == IncidentKind::Stopped));
}

#[test]
fn tables_are_bounded_and_count() {
    let mut assembler = Assembler::new("node-a");
    let mut records = Vec::new();
    let offset = ClockOffset::from_nanoseconds(OFFSET_NS);
    for number in 0..200 {
        let line = format!("{number} {} new", number + 1);
        assembler.event(&event(&line).unwrap(), offset, &mut records);
    }
    assert_eq!(assembler.overflowed(), 200 - 64);
    for number in 0..200 {
        let line = format!("{} 1 new", 1000 + number);
        assembler.event(&event(&line).unwrap(), offset, &mut records);
    }
    assert_eq!(assembler.overflowed(), 200 - 64 + 200 - 63);
    assert_eq!(records, []);
    assembler.detached();
    for number in 0..200 {
        let line = format!("{} 1 write {} {number}", 2000 + number, number + 1);
        assembler.event(&event(&line).unwrap(), offset, &mut records);
    }
    assert_eq!(assembler.overflowed(), 200 - 64 + 200 - 63 + 200 - 64);
}
