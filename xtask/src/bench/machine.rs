//! What the figures were measured on.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use super::report::Table;

/// Names and values, for the head of the report.
pub(super) fn describe(kubernetes: Option<&str>) -> Table {
    let mut table = Table::new(["", "of this run"]);
    let cpu = read("/proc/cpuinfo").and_then(|text| field(&text, "model name"));
    let cores = available_parallelism().ok().map(|cores| cores.to_string());
    let memory = read("/proc/meminfo").and_then(|text| field(&text, "MemTotal")).map(gibibytes);
    let load = read("/proc/loadavg")
        .map(|text| text.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
    let version = |program: &str, flag: &str| {
        let output = Command::new(program).arg(flag).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
    };
    for (name, value) in [
        ("Date", Some(jiff::Timestamp::now().strftime("%Y-%m-%d").to_string())),
        ("Release", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("Processor", cpu),
        ("Cores", cores),
        ("Memory", memory),
        ("Kernel", read("/proc/sys/kernel/osrelease")),
        ("Kubernetes", kubernetes.map(str::to_owned)),
        ("Compiler", version("rustc", "--version")),
        ("Go", version("go", "version")),
        ("Load before (1, 5, 15 min)", load),
    ] {
        table.row([name.to_owned(), value.unwrap_or_else(|| "unknown".to_owned())]);
    }
    table
}

fn read(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// The value of the first line with this name.
fn field(text: &str, name: &str) -> Option<String> {
    let (_, value) =
        text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

fn gibibytes(kilobytes: String) -> String {
    let number = kilobytes.strip_suffix(" kB").and_then(|number| number.parse::<f64>().ok());
    number.map_or(kilobytes, |number| format!("{:.1} GiB", number / f64::from(1 << 20)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc() {
        let text = "processor\t: 0\nmodel name\t: A CPU @ 2.0GHz: fast\nmodel name\t: other\n";
        assert_eq!(field(text, "model name").unwrap(), "A CPU @ 2.0GHz: fast");
        assert_eq!(field(text, "flags"), None);
        assert_eq!(gibibytes("25165824 kB".to_owned()), "24.0 GiB");
        assert_eq!(gibibytes("odd".to_owned()), "odd");
    }
}
