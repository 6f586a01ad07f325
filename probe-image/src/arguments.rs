//! The probe's arguments. Few enough that a parser of its own is smaller than
//! a library's share of what travels to the node.

use std::net::IpAddr;
use std::path::PathBuf;

/// What the pod's command line says.
#[derive(Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Print the version and end.
    Version,
    /// Serve one session.
    Serve(Serve),
}

/// Arguments of [`Arguments::Serve`].
#[derive(Debug, PartialEq, Eq)]
pub struct Serve {
    /// Port on the node's loopback address.
    pub port: u16,
    /// File with the session's token, in hexadecimal.
    pub token_file: PathBuf,
    /// The way around the kubelet, if there shall be one.
    pub bypass: Option<Bypass>,
}

/// Where the bypass listens, and for whom.
#[derive(Debug, PartialEq, Eq)]
pub struct Bypass {
    /// Address of the node; the port is the same.
    pub address: IpAddr,
    /// File with the bypass's own token, in hexadecimal.
    pub token_file: PathBuf,
}

/// How the probe is called.
pub const USAGE: &str = "usage: earthworm-probe --port PORT --token-file FILE \
    [--bypass ADDRESS --bypass-token-file FILE] | --version";

/// Reads the arguments after the program's name.
///
/// # Errors
/// One line that names the argument.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = arguments.into_iter();
    let mut port = None;
    let mut token_file = None;
    let mut address = None;
    let mut bypass_token_file = None;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--version" => return Ok(Arguments::Version),
            "--port" => {
                let value = value()?;
                port = Some(value.parse().map_err(|_| format!("--port {value} is not a port"))?);
            }
            "--token-file" => token_file = Some(PathBuf::from(value()?)),
            "--bypass" => {
                let value = value()?;
                let parsed = value.parse().map_err(|_| format!("--bypass {value} is no address"));
                address = Some(parsed?);
            }
            "--bypass-token-file" => bypass_token_file = Some(PathBuf::from(value()?)),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    let bypass = match (address, bypass_token_file) {
        (Some(address), Some(token_file)) => Some(Bypass { address, token_file }),
        (None, None) => None,
        _ => return Err("--bypass and --bypass-token-file need each other".into()),
    };
    Ok(Arguments::Serve(Serve {
        port: port.ok_or("--port is missing")?,
        token_file: token_file.ok_or("--token-file is missing")?,
        bypass,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<Arguments, &str>) {
        let found = parse(line.split_whitespace().map(String::from));
        assert_eq!(found, expected.map_err(String::from), "{line}");
    }

    #[test]
    fn arguments() {
        let serve =
            |bypass| Ok(Arguments::Serve(Serve { port: 61000, token_file: "/t".into(), bypass }));
        check("--port 61000 --token-file /t", serve(None));
        let bypass = |address: &str| {
            Some(Bypass { address: address.parse().unwrap(), token_file: "/b".into() })
        };
        for address in ["192.0.2.7", "2001:db8::7"] {
            let line =
                format!("--port 61000 --token-file /t --bypass {address} --bypass-token-file /b");
            check(&line, serve(bypass(address)));
        }
        check("--bypass node-a", Err("--bypass node-a is no address"));
        check(
            "--port 1 --token-file /t --bypass ::1",
            Err("--bypass and --bypass-token-file need each other"),
        );
        check("--version", Ok(Arguments::Version));
        check("--port x", Err("--port x is not a port"));
        check("--port", Err("--port needs a value"));
        check("--token-file /t", Err("--port is missing"));
        check("--port 1", Err("--token-file is missing"));
        check("--fast", Err("unknown argument --fast"));
    }
}
