//! The live screen at a real terminal.

use std::time::{Duration, Instant};

use earthworm_tests::lab::{Claim, Lab, Versions, signal};
use earthworm_tests::pty::Terminal;

const SHOWN: Duration = Duration::from_secs(30);

/// How soon what happens to the kubelet is on the screen.
const AT_ONCE: Duration = Duration::from_millis(200);

#[test]
fn a_stopped_kubelet_is_seen_at_once() {
    let Some(lab) = Lab::enter("kubelet stopped, on the screen", Versions::Newest, Claim::NODE)
    else {
        return;
    };
    let mut terminal = Terminal::whole(lab.plugin(&["pulse", lab.node()]));
    // The first words of its events; the blanks between words are not drawn.
    terminal.wait_for("around", SHOWN);
    terminal.wait_for("listens", SHOWN);
    let kubelet = lab.kubelet(lab.node());
    for (signal_number, word) in [(libc::SIGSTOP, "stopped"), (libc::SIGCONT, "continued")] {
        let sent = Instant::now();
        signal(kubelet, signal_number);
        terminal.wait_for(word, SHOWN);
        let after = sent.elapsed();
        println!("{word}: on the screen after {:.3} s", after.as_secs_f64());
        assert!(after < AT_ONCE, "{word}: {after:?}");
    }
    terminal.press(b"q");
    let left = terminal.end_within(SHOWN);
    println!("q: exit code {:?}, settings restored: {}", left.code, left.restored);
    assert!(left.restored && left.has_cursor(), "{:?}", left.shown);
    // The screen is an alternate one, and what was there before is back.
    assert!(left.shown.rfind("\x1b[?1049l") > left.shown.rfind("\x1b[?1049h"));
    assert!(left.shown.contains("Nothing left behind"), "{:?}", left.shown);
    lab.assert_nothing_left(left.at);
}
