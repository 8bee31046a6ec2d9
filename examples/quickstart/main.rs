//! The quickstart: streams, a pause, a cut that the answer survives, errors that help, a typed answer and token
//! usage, over real HTTP.
//!
//! `cargo run --example quickstart` needs no key and no network: two providers run in this process.
//! `cargo run --example quickstart -- --provider anthropic "Why is the sky blue?"` asks the real one.

mod answers;
mod ask;
mod screen;
mod server;
mod services;
mod tour;

use std::process::ExitCode;

use screen::Screen;

const HELP: &str = "\
cargo run --example quickstart
    The tour: two providers in this process, no key, no network.

cargo run --example quickstart -- --provider <name> [--model <model>] [question]
    Asks a real service:
      openai      with the key in OPENAI_API_KEY
      anthropic   with the key in ANTHROPIC_API_KEY
      ollama      on this machine, at OLLAMA_HOST (default 127.0.0.1:11434)";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect();
    let mut screen = Screen::new();
    let outcome = match Command::parse(arguments) {
        Ok(Command::Help) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Command::Tour) => tour::run(&mut screen).await,
        Ok(Command::Ask { provider, model, question }) => {
            services::ask(&mut screen, &provider, model, question).await
        }
        Err(what) => Err(format!("{what}\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
enum Command {
    Tour,
    Ask { provider: String, model: Option<String>, question: String },
    Help,
}

impl Command {
    fn parse(arguments: Vec<String>) -> Result<Self, String> {
        let (mut provider, mut model, mut question) = (None, None, Vec::new());
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--help" | "-h" => return Ok(Command::Help),
                "--provider" => provider = Some(rest.next().ok_or("--provider needs a name")?),
                "--model" => model = Some(rest.next().ok_or("--model needs a name")?),
                flag if flag.starts_with("--") => return Err(format!("unknown argument `{flag}`")),
                _ => question.push(argument),
            }
        }
        match (provider, model, question.is_empty()) {
            (Some(provider), model, no_question) => {
                let question =
                    if no_question { "Why is the sky blue?".to_owned() } else { question.join(" ") };
                Ok(Command::Ask { provider, model, question })
            }
            (None, None, true) => Ok(Command::Tour),
            (None, ..) => Err("a question for a real service needs --provider".to_owned()),
        }
    }
}
