//! Why a test failed, said when it fails.

use std::io::Write;
use std::panic::PanicHookInfo;
use std::sync::Once;

/// More than this of a message is in the test program's own report.
const MOST: usize = 2000;

/// From now on a panic is told on the process's own standard error too, which
/// no test captures: the tests run side by side for minutes, and what they
/// captured is shown only after the last of them.
pub(super) fn tell_at_once() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let captured = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            tell(panic);
            captured(panic);
        }));
    });
}

fn tell(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a thread");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message: String = panic.payload_as_str().unwrap_or_default().chars().take(MOST).collect();
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(std::io::stderr().lock(), "==== FAILED {name} at {place}: {message} ====");
}
