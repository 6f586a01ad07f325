//! The probe's process: arguments in, exit code out.

use earthworm_probe::arguments::{Arguments, Serve, USAGE, parse};
use earthworm_probe::server::{Bypass, End, serve};
use earthworm_probe::token;
use earthworm_wire::exit_code;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    name_process();
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(Arguments::Serve(arguments)) => arguments,
        Ok(Arguments::Version) => {
            print(format_args!("earthworm-probe {}", env!("CARGO_PKG_VERSION")));
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(exit_code::USAGE, &format!("{message}; {USAGE}")),
    };
    match run(&arguments) {
        Ok(_) => ExitCode::SUCCESS,
        Err((code, message)) => fail(code, &message),
    }
}

/// A process that was started from a memory file is named after a file
/// descriptor by older kernels; people look for a name.
fn name_process() {
    // SAFETY: PR_SET_NAME reads a NUL-terminated string, which lives for ever.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, c"earthworm-probe".as_ptr());
    }
}

fn run(arguments: &Serve) -> Result<End, (i32, String)> {
    let failed = |error: &dyn std::fmt::Display| (exit_code::FAILED, error.to_string());
    let token = token::read(&arguments.token_file).map_err(|error| failed(&error))?;
    let listener = listen(IpAddr::V4(Ipv4Addr::LOCALHOST), arguments.port).map_err(|error| {
        let code = match error.kind() {
            ErrorKind::AddrInUse => exit_code::PORT_IN_USE,
            _ => exit_code::FAILED,
        };
        let address = Ipv4Addr::LOCALHOST;
        (code, format!("cannot listen on {address}:{}: {error}", arguments.port))
    })?;
    let around = match &arguments.bypass {
        Some(bypass) => {
            let token = token::read(&bypass.token_file).map_err(|error| failed(&error))?;
            // The port-forward is enough to measure: the port on the node's own
            // address may be taken, or the address not be its own.
            listen(bypass.address, arguments.port).ok().map(|listener| (listener, token))
        }
        None => None,
    };
    let other = |error: std::io::Error| (exit_code::FAILED, format!("cannot serve: {error}"));
    // One thread: the probe's work is waiting.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(other)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(other)?;
        let bypass = match around {
            Some((listener, token)) => {
                let listener = tokio::net::TcpListener::from_std(listener).map_err(other)?;
                Some(Bypass { listener, token })
            }
            None => None,
        };
        let mut terminate = signal(SignalKind::terminate()).map_err(other)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(other)?;
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        Ok(serve(listener, token, bypass, stop).await)
    })
}

fn listen(address: IpAddr, port: u16) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind((address, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Says why on stderr, for the pod's log, and where the kubelet looks for the
/// reason that it shows in the Pod's status.
fn fail(code: i32, message: &str) -> ExitCode {
    #[expect(clippy::print_stderr, reason = "the one place where the probe speaks to people")]
    {
        eprintln!("earthworm-probe: {message}");
    }
    let _ = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/termination-log")
        .and_then(|mut log| std::io::Write::write_all(&mut log, message.as_bytes()));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn print(text: std::fmt::Arguments<'_>) {
    #[expect(clippy::print_stdout, reason = "the answer to --version")]
    {
        println!("{text}");
    }
}
