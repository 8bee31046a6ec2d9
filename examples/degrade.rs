//! What a caller gets when the provider is down: a smaller model's answer, a text in its own language, or the error.
//!
//! `cargo run --example degrade` runs offline: a scripted provider fails.

use std::error::Error as StdError;

use belvedere::Request;
use belvedere::client::Client;
use belvedere::error::{Error, ErrorKind};
use belvedere::hooks::Signal;
use belvedere::middleware::degrade::Degrade;
use belvedere::request::Scope;
use belvedere::testing::{Answer, ScriptedService, Simulation};

fn main() -> Result<(), Box<dyn StdError>> {
    let degrade: Degrade = serde_json::from_str(
        r#"{
            "model": "small",
            "answers": [{"tags": {"language": "de"}, "answer": "Gerade gestört. Bitte gleich noch einmal versuchen."}],
            "answer": "Out of order. Please try again in a minute."
        }"#,
    )?;
    let refused = |kind| Answer::refused(Error::new(kind, "the provider says no"));
    let down = || refused(ErrorKind::Overloaded);
    let provider = ScriptedService::new([
        down(),
        Answer::text("An answer of the small model."),
        down(),
        down(),
        down(),
        down(),
        Answer::text("Half an answer, and then").cut(2),
        refused(ErrorKind::Blocked),
    ]);
    let simulation = Simulation::new(1);
    let client = Client::new(provider, simulation.lent()).layer(degrade).on(|signal: &Signal| {
        if let Signal::Degraded { reason, .. } = signal {
            println!("  (signal: degraded, {reason})");
        }
    });
    let cases = [
        ("the model is down", ""),
        ("both are down", ""),
        ("both are down, and the caller speaks German", "de"),
        ("the stream breaks after content", ""),
        ("a guard blocks the request", ""),
    ];
    for (what, language) in cases {
        println!("{what}:");
        let mut scope = Scope::default();
        scope.tags.insert("language".into(), language.into());
        match simulation.run(client.complete(Request::from("hi").with_scope(scope))) {
            Ok(answer) => println!("  {}", answer.text()),
            Err(error) => println!("  error: {}", error.kind()),
        }
    }
    Ok(())
}
