//! A provider on this machine that does what a script says, for tests in any language.
//!
//! `cargo run --example mock_server -- --port 4117 --script faults.yaml`. What a script can say is in
//! `docs/mock-server.md`.

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use belvedere::mock::{MockServer, Options, Script};

const HELP: &str = "\
cargo run --example mock_server -- [options]
    --port <number>    where to listen on this machine; default: a free port
    --script <file>    what to do: .yaml, .toml or .json; default: answer everything
    --print-url        print the address, and nothing else ever
    --quiet            no line for each request";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(what) => return fail(&format!("{what}\n\n{HELP}")),
    };
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(what: &str) -> ExitCode {
    eprintln!("{what}");
    ExitCode::FAILURE
}

/// What the command line asks for.
#[derive(Debug, Default)]
struct Arguments {
    port: u16,
    script: Option<PathBuf>,
    print_url: bool,
    quiet: bool,
}

impl Arguments {
    /// `None`: help is asked for.
    fn parse(mut rest: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut arguments = Arguments::default();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                "--port" => {
                    let port = rest.next().and_then(|port| port.parse().ok());
                    arguments.port = port.ok_or("--port needs a number up to 65535")?;
                }
                "--script" => arguments.script = Some(rest.next().ok_or("--script needs a file")?.into()),
                "--print-url" => arguments.print_url = true,
                "--quiet" => arguments.quiet = true,
                other => return Err(format!("unknown argument `{other}`")),
            }
        }
        Ok(Some(arguments))
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let script = match &arguments.script {
        Some(file) => Script::from_file(file)?,
        None => Script::default(),
    };
    let steps = script.steps.len();
    let mut options = Options::default();
    options.address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    if !arguments.quiet && !arguments.print_url {
        options.log = Some(Arc::new(|line| say(&line.to_string())));
    }
    let server = MockServer::start_with(options, script).await?;
    if arguments.print_url {
        say(&server.url());
    } else {
        introduce(&server, steps);
    }
    // It ends with the program.
    std::future::pending().await
}

/// A line on standard output; whoever reads it may be gone.
fn say(line: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The address, and a table of what is spoken there.
fn introduce(server: &MockServer, steps: usize) {
    let colours =
        std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let paint = |code: &str, text: &str| match colours {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    let playing = match steps {
        0 => "answers everything".to_owned(),
        1 => "plays 1 step".to_owned(),
        n => format!("plays {n} steps"),
    };
    say(&format!("The mock server listens at {} and {playing}.\n", paint("1;36", &server.url())));
    let paths = server.paths();
    let width = paths.iter().map(|(path, _)| path.len()).max().unwrap_or_default();
    for (path, what) in paths {
        say(&format!("  {path:width$}  {}", paint("2", what)));
    }
    say("");
    say(&paint(
        "2",
        "Any key and any model will do. What a script can say: docs/mock-server.md. Stop it with Ctrl-C.",
    ));
    say("");
}
